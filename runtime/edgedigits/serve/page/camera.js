/** The camera of the board: its frames as a stream of pictures, what it reads as text. */

import { ask, pause } from "./server.js";

const EVERY_MS = 1000;

export class Camera {
  #button = document.getElementById("camera-switch");
  #stream = document.getElementById("stream");
  #text = document.getElementById("camera-text");
  #wanted = false;
  #round = 0; // of the polling that counts; an older one ends by itself

  constructor() {
    this.#button.addEventListener("click", () => (this.#wanted ? this.stop("") : this.#start()));
    this.#stream.addEventListener("error", async () => {
      await this.#look(this.#round); // which tells why, if the server knows
      if (this.#wanted) this.stop("The camera's picture broke off.");
    });
    // Nobody looks: the board need not work. It goes on when somebody does again.
    document.addEventListener("visibilitychange", () => {
      if (this.#wanted) document.hidden ? this.#pause() : this.#start();
    });
  }

  stop(words) {
    this.#wanted = false;
    this.#pause();
    this.#text.textContent = words;
    this.#button.textContent = words ? "Try again" : "Start camera";
  }

  async #start() {
    this.#wanted = true;
    this.#button.textContent = "Stop camera";
    this.#text.textContent = "Looking…";
    this.#stream.src = `v1/camera/stream?${Date.now()}`; // a browser would show an image it knows without asking
    this.#stream.hidden = false;
    const round = ++this.#round;
    while (round === this.#round) {
      await pause(EVERY_MS);
      if (round === this.#round) await this.#look(round);
    }
  }

  #pause() {
    this.#round++;
    this.#stream.hidden = true;
    this.#stream.removeAttribute("src"); // ends the request
  }

  async #look(round) {
    try {
      const { error, reading } = (await ask("v1/camera")).answer;
      if (round !== this.#round) return;
      if (error) this.stop(error);
      else if (reading) this.#tell(reading.text ? `Reads ${reading.text.replaceAll("\n", ", ")}` : "Sees no digit");
    } catch (failure) {
      if (round === this.#round) this.stop(failure.message);
    }
  }

  /** Only what is new, or a screen reader would say it every second. */
  #tell(words) {
    if (this.#text.textContent !== words) this.#text.textContent = words;
  }
}
