/** Pictures that somebody chooses, photographs, drops or pastes. */

import { Failure } from "./server.js";

const MOST_BYTES = 5_000_000;
const MOST_SIDE = 2400;
const KNOWN = /png|jpeg|bmp|gif|webp/; // to the server: not what some phones and browsers have besides

/**
 * Shows a file in an image element and tells what to send: the file as it is, or a copy that is not too large.
 * `size` is width and height of what is sent, null if this browser cannot open it; the server perhaps can.
 */
export async function open(file, image) {
  URL.revokeObjectURL(image.src);
  image.src = URL.createObjectURL(file);
  try {
    await image.decode();
  } catch {
    if (file.size <= MOST_BYTES) return { blob: file, size: null };
    throw new Failure("This browser cannot open the picture, and it is too large to send as it is.");
  }
  const { naturalWidth: width, naturalHeight: height } = image;
  const scale = Math.min(1, MOST_SIDE / Math.max(width, height));
  if (scale === 1 && file.size <= MOST_BYTES && KNOWN.test(file.type)) return { blob: file, size: [width, height] };
  return copy(image, Math.round(width * scale), Math.round(height * scale));
}

/** A JPEG, upright as the browser shows it. */
async function copy(image, width, height) {
  const canvas = Object.assign(document.createElement("canvas"), { width, height });
  const context = canvas.getContext("2d");
  context.fillStyle = "#fff"; // behind what is transparent
  context.fillRect(0, 0, width, height);
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, width, height);
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.9));
  return { blob, size: [width, height] };
}

/** Calls `take` with every file that is chosen, dropped or pasted. */
export function onFile(inputs, take) {
  for (const input of inputs) {
    input.addEventListener("change", () => {
      if (input.files[0]) take(input.files[0]);
      input.value = ""; // so that the same file can be chosen again
    });
  }
  addEventListener("paste", ({ clipboardData }) => clipboardData?.files[0] && take(clipboardData.files[0]));
  addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("over");
  });
  addEventListener("dragleave", ({ relatedTarget }) => relatedTarget ?? document.body.classList.remove("over"));
  addEventListener("drop", (event) => {
    event.preventDefault(); // or the browser leaves the page for the picture
    document.body.classList.remove("over");
    if (event.dataTransfer.files[0]) take(event.dataTransfer.files[0]);
  });
}
