/** A sheet to draw on, with finger, pen, mouse or keys. Points are in sides of the sheet. */

/** What is sent: a square of SIDE pixels, and white around it, since ink at an edge is taken for a frame. */
export const SIDE = 320;
export const MARGIN = 32;
const PEN = 0.05;
const STEP = 1 / 32;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const within = (value) => Math.min(1, Math.max(0, value));

/** Fires `change` at every new piece of a stroke, `clear` when all are gone, and `pen` when keys lift or lower it. */
export class Pad extends EventTarget {
  #canvas;
  #strokes = [];
  #history = [];
  #pointer = null; // the one that draws: a palm beside the pen does not
  #keys = { x: 0.5, y: 0.5, down: false, shown: false, held: new Set() };
  #due = false;

  constructor(canvas) {
    super();
    this.#canvas = canvas;
    canvas.addEventListener("pointerdown", (event) => this.#begin(event));
    canvas.addEventListener("pointermove", (event) => this.#go(event));
    canvas.addEventListener("lostpointercapture", (event) => this.#end(event));
    canvas.addEventListener("keydown", (event) => this.#press(event));
    canvas.addEventListener("keyup", (event) => this.#keys.held.delete(event.key));
    canvas.addEventListener("blur", () => this.#leave());
    new ResizeObserver(() => this.#paint()).observe(canvas);
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", () => this.#paint());
    }
  }

  get empty() {
    return this.#strokes.length === 0;
  }

  undo() {
    if (this.#history.length) {
      this.#strokes = this.#history.pop();
      this.#lift();
      this.#changed();
    }
  }

  /** Undo brings back what was cleared. */
  clear() {
    if (this.empty) return;
    this.#history.push(this.#strokes);
    this.#strokes = [];
    this.#lift();
    this.dispatchEvent(new Event("clear"));
    this.#changed();
  }

  /** A PNG of the strokes, black on white, the same on every screen. */
  image() {
    const canvas = document.createElement("canvas");
    canvas.width = canvas.height = SIDE + 2 * MARGIN;
    const context = canvas.getContext("2d");
    context.fillStyle = "#fff";
    context.fillRect(0, 0, canvas.width, canvas.height);
    context.translate(MARGIN, MARGIN);
    context.beginPath();
    context.rect(0, 0, SIDE, SIDE);
    context.clip(); // what left the sheet is not seen by the one who draws either
    trace(context, this.#strokes, SIDE, "#000");
    return new Promise((resolve) => canvas.toBlob(resolve, "image/png"));
  }

  #begin(event) {
    if (this.#pointer !== null || event.button !== 0) return;
    this.#lift();
    this.#keys.shown = false;
    this.#pointer = event.pointerId;
    this.#canvas.setPointerCapture(event.pointerId);
    this.#start(this.#place(event));
  }

  #go(event) {
    if (event.pointerId !== this.#pointer) return;
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) this.#strokes.at(-1).push(this.#place(each));
    this.#changed();
  }

  #end(event) {
    if (event.pointerId === this.#pointer) this.#pointer = null;
  }

  #press(event) {
    if (event.key in ARROWS) {
      this.#keys.held.add(event.key);
      this.#walk(); // two arrows held at once go slantwise
    } else if (event.key === " ") {
      if (!event.repeat) this.#toggle();
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
    } else if (event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey)) {
      this.undo();
    } else return;
    event.preventDefault(); // or the page scrolls
  }

  #walk() {
    const keys = this.#keys;
    for (const key of keys.held) {
      keys.x = within(keys.x + ARROWS[key][0] * STEP);
      keys.y = within(keys.y + ARROWS[key][1] * STEP);
    }
    keys.shown = true;
    if (keys.down) {
      this.#strokes.at(-1).push([keys.x, keys.y]);
      this.#changed();
    } else this.#paint();
  }

  #toggle() {
    const keys = this.#keys;
    keys.shown = true;
    if (keys.down) this.#lift();
    else {
      keys.down = true;
      this.#start([keys.x, keys.y]);
    }
    this.#paint();
    this.dispatchEvent(new CustomEvent("pen", { detail: keys.down }));
  }

  /** Ends the stroke, whatever draws it. */
  #lift() {
    this.#keys.down = false;
    this.#pointer = null;
  }

  #leave() {
    this.#lift();
    this.#keys.shown = false;
    this.#keys.held.clear();
    this.#paint();
  }

  #start(point) {
    this.#history.push(this.#strokes);
    this.#strokes = [...this.#strokes, [point]];
    this.#changed();
  }

  #place(event) {
    const box = this.#canvas.getBoundingClientRect();
    return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
  }

  #changed() {
    this.#paint();
    this.dispatchEvent(new Event("change"));
  }

  /** At most once a frame, however many events come. */
  #paint() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      const canvas = this.#canvas;
      const side = Math.round(canvas.clientWidth * devicePixelRatio);
      if (canvas.width !== side) canvas.width = canvas.height = side;
      const context = canvas.getContext("2d");
      context.clearRect(0, 0, side, side);
      trace(context, this.#strokes, side, getComputedStyle(canvas).color);
      if (this.#keys.shown) ring(context, this.#keys, side, getComputedStyle(canvas).accentColor);
    });
  }
}

/** Draws strokes on a square of `side` pixels; curves go through the middles between points, which smooths them. */
function trace(context, strokes, side, colour) {
  context.strokeStyle = colour;
  context.lineWidth = PEN * side;
  context.lineCap = context.lineJoin = "round";
  for (const stroke of strokes) {
    const points = stroke.map(([x, y]) => [x * side, y * side]);
    const last = points.at(-1);
    context.beginPath();
    context.moveTo(...points[0]);
    for (let i = 1; i < points.length - 1; i++) {
      const [x, y] = points[i];
      context.quadraticCurveTo(x, y, (x + points[i + 1][0]) / 2, (y + points[i + 1][1]) / 2);
    }
    context.lineTo(...last); // a point alone becomes a dot
    context.stroke();
  }
}

/** Where the pen of the keys is: filled when it is down. */
function ring(context, { x, y, down }, side, colour) {
  context.beginPath();
  context.arc(x * side, y * side, PEN * side, 0, 2 * Math.PI);
  context.strokeStyle = context.fillStyle = colour;
  context.lineWidth = side / 120;
  context.stroke();
  if (down) context.fill();
}
