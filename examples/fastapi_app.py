"""A web service of one's own around the package, with FastAPI; `edgedigits serve` is the one that comes along.

To start it, and to ask it:

    pip install fastapi python-multipart uvicorn
    uvicorn fastapi_app:app
    curl -F picture=@photo.jpg http://localhost:8000/numbers
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, HTTPException, Request, UploadFile

from edgedigits import DigitClassifier, ImageError

LARGEST = 10_000_000


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Load the models once, before the first request; requests may share them."""
    with DigitClassifier() as classifier:
        app.state.classifier = classifier
        yield


app = FastAPI(title="Numbers in pictures", lifespan=lifespan)


@app.post("/numbers")
def numbers(picture: UploadFile, request: Request) -> dict[str, Any]:  # no `async`: it computes, in a thread
    """Return the numbers of a picture, line by line, and where each digit is."""
    content = picture.file.read(LARGEST + 1)
    if len(content) > LARGEST:
        raise HTTPException(413, f"expected at most {LARGEST:,} bytes")
    try:
        reading = request.app.state.classifier.read(content)
    except ImageError as error:
        raise HTTPException(422, str(error)) from error
    return {"lines": reading.text.splitlines(), "digits": [digit.to_dict() for digit in reading.digits]}
