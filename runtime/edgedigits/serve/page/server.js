/** What the page asks the server. Addresses are relative: a proxy may serve the page below any path. */

const PATIENCE_MS = 30_000;
const GONE = "The server cannot be reached. Nothing is lost; the next stroke tries again.";

/** No answer. The message is one sentence for a person; after so many seconds one may try again, if any are named. */
export class Failure extends Error {
  constructor(message, seconds = 0) {
    super(message);
    this.seconds = seconds;
  }
}

/** What the server answers, to an image if there is one, and how many milliseconds it took here. */
export async function ask(path, image) {
  const started = performance.now();
  const options = { signal: AbortSignal.timeout(PATIENCE_MS), cache: "no-store" };
  if (image) Object.assign(options, { method: "POST", body: image });
  const response = await fetch(path, options).catch(() => {
    throw new Failure(GONE);
  });
  const answer = await response.json().catch(() => null); // broken off, or a proxy's, which speaks HTML
  const { ok, status, headers } = response;
  if (ok && answer) return { answer, roundTrip: performance.now() - started };
  const seconds = status === 503 ? Math.min(30, Math.max(1, Number(headers.get("Retry-After")))) : 0;
  throw new Failure(answer?.detail ?? `The server's answer, ${status}, cannot be understood.`, seconds);
}

/** Works on the newest of what it is given, one at a time and not too often: those in between are left out. */
export class Newest {
  #work;
  #pace;
  #next = null;
  #runs = false;

  constructor(work, paceMs) {
    this.#work = work;
    this.#pace = paceMs;
  }

  async give(task) {
    this.#next = task;
    if (this.#runs) return;
    this.#runs = true;
    try {
      while (this.#next) {
        const task = this.#next;
        this.#next = null;
        await this.#work(task);
        await pause(this.#pace);
      }
    } finally {
      this.#runs = false;
    }
  }
}

export const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
