/** Everything that shows an answer, and the model card. */

import { digitsOf, milliseconds, percent, readOut, verdict } from "./words.js";

const SVG = "http://www.w3.org/2000/svg";
const STAGES = { total: "Server", roundTrip: "Round trip" };
const SILENCE_MS = 700;
const SHORT = 12; // digits of a hash

const number = new Intl.NumberFormat("en");
const byId = (id) => document.getElementById(id);

/** An element with a class or text of its own, and others in it. */
function element(name, options, ...children) {
  const made = Object.assign(document.createElement(name), options);
  made.append(...children);
  return made;
}

/** Fills a description list with pairs of term and text. */
function describe(list, pairs) {
  const groups = pairs.map(([term, text]) =>
    element("div", {}, element("dt", { textContent: term }), element("dd", { textContent: text })),
  );
  list.replaceChildren(...groups);
}

export class Answer {
  #labels = Array.from("0123456789");
  #bars = [];
  #names = "";
  #speech = 0;

  constructor() {
    this.reset("Draw a digit, or choose a picture.");
  }

  /** The names of the classes. */
  name(labels) {
    this.#labels = labels;
  }

  reset(words) {
    this.#write("", words);
    this.#say("");
    this.#likely([]);
    this.#see(null);
    this.#box([]);
  }

  /** What v1/classify answered. `place` is where boxes belong, as of an SVG's viewBox, or null for none. */
  classified({ answer, roundTrip }, drawn, place) {
    const words = verdict(answer, this.#labels, drawn);
    const nothing = answer.rejected === "no_digit"; // what the classifier makes of the paper is no answer
    const text = answer.rejected ? "?" : answer.label;
    this.#write(nothing ? "" : text, words);
    this.#likely(nothing ? [] : answer.probabilities);
    this.#see(nothing ? null : answer.model_input);
    this.#time(answer.timing_ms, roundTrip);
    this.#box(answer.box ? [{ ...answer, text }] : [], place);
  }

  /** What v1/read answered. */
  read({ answer, roundTrip }, place) {
    const digits = digitsOf(answer.lines);
    this.#write(answer.text || "?", readOut(answer), digits.length > 0);
    const marks = digits.map((digit) => ({ ...digit, text: digit.rejected ? "?" : digit.label }));
    this.#bar(marks.map(({ text, confidence, rejected }) => [text, confidence, !rejected]));
    this.#see(null);
    this.#time(answer.timing_ms, roundTrip);
    this.#box(marks, place ?? [0, 0, answer.width, answer.height]);
  }

  /** Said by a screen reader once nothing has followed for a while: while one draws it would never end. */
  #say(text) {
    clearTimeout(this.#speech);
    this.#speech = setTimeout(() => (byId("spoken").textContent = text), SILENCE_MS);
  }

  /** Draws a box around each mark, its text above. */
  #box(marks, place) {
    const svg = byId("boxes");
    const shown = marks.length && place;
    svg.toggleAttribute("hidden", !shown);
    if (!shown) return;
    const [left, top, width, height] = place;
    svg.setAttribute("viewBox", place.join(" "));
    svg.setAttribute("aria-label", `Boxes around: ${marks.map(({ text }) => text).join(", ")}`);
    const least = Math.max(width, height) / 24; // of letters that can be read on a phone
    svg.replaceChildren(
      ...marks.map(({ text, box, rejected }) => {
        const size = Math.max(least, (box[2] - box[0]) * 0.3);
        const group = shape("g", { class: rejected ? "untold" : "" });
        const label = { x: box[1], y: Math.max(box[0] - size * 0.2, top + size), "font-size": size };
        const frame = { x: box[1], y: box[0], width: box[3] - box[1], height: box[2] - box[0] };
        group.append(shape("rect", frame), shape("text", label));
        group.lastChild.textContent = text;
        return group;
      }),
    );
  }

  #write(text, words, several = false) {
    byId("digit").textContent = text;
    byId("words").textContent = words;
    document.body.classList.toggle("several", several);
    byId("meaning").textContent = several ? "Digit by digit" : "Probabilities";
    this.#say(/^[^?]/.test(text) ? `${text}. ${words}` : words);
  }

  #likely(probabilities) {
    const best = probabilities.indexOf(Math.max(...probabilities));
    this.#bar(this.#labels.map((label, i) => [label, probabilities[i], i === best]));
  }

  /** One bar for each name, share (undefined if there is none) and whether it stands out. */
  #bar(rows) {
    const names = rows.map(([name]) => name).join();
    if (names !== this.#names) this.#rename(rows); // the others move
    this.#names = names;
    rows.forEach(([, share, best], i) => {
      const { item, fill, value } = this.#bars[i];
      item.classList.toggle("best", best);
      fill.style.setProperty("--share", share ?? 0);
      value.textContent = share === undefined ? "–" : percent(share);
    });
  }

  #rename(rows) {
    this.#bars = rows.map(([name]) => {
      const value = element("span", { className: "value" });
      const fill = element("span", { className: "fill" });
      const track = element("span", { className: "track" }, fill);
      return { fill, value, item: element("li", {}, element("b", { textContent: name }), track, value) };
    });
    byId("bars").replaceChildren(...this.#bars.map(({ item }) => item));
  }

  #see(input) {
    const image = byId("model-input");
    image.hidden = !input;
    if (input) image.src = `data:image/png;base64,${input}`;
  }

  #time(timing, roundTrip) {
    const stages = Object.entries({ ...timing, roundTrip });
    const name = (stage) => STAGES[stage] ?? stage[0].toUpperCase() + stage.slice(1);
    describe(byId("timing"), stages.map(([stage, value]) => [name(stage), milliseconds(value)]));
  }
}

/** Fills the model card from what v1/model answered. */
export function showCard({ model, engine, pipeline, image, manifest }) {
  const file = manifest?.files.find(({ sha256 }) => sha256 === model.sha256);
  const accuracy = file?.accuracy;
  const hundredths = (share) => (share * 100).toFixed(2);
  const day = manifest?.created.slice(0, 10);
  const facts = [
    ["Model", model.name],
    ["Variant", model.variant],
    ["Engine", `${engine.name} ${engine.version}`],
    ["Input", `${image.join(" × ")} (${pipeline})`],
    ["Parameters", manifest?.parameters && number.format(manifest.parameters)],
    ["File", file && `${number.format(file.bytes)} bytes`],
    ["Accuracy", accuracy && `${hundredths(accuracy.top1)} %`],
    ["95 % interval", accuracy && `${accuracy.ci95.map(hundredths).join(" to ")} %`],
    ["Measured on", accuracy && `${number.format(accuracy.count)} images`],
    ["Trained on", manifest?.training?.data?.source],
    ["Made", day && new Date(day).toLocaleDateString("en-GB", { dateStyle: "long", timeZone: "UTC" })],
    ["Bundle", model.bundle?.slice(0, SHORT)],
    ["SHA-256", model.sha256.slice(0, SHORT)],
  ];
  describe(byId("facts"), facts.filter(([, text]) => text));
}

function shape(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}
