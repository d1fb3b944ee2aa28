"""From a picture of a page to lines of words of digits."""
