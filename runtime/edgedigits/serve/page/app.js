/** Puts the parts of the page together. */

import { Answer, showCard } from "./answer.js";
import { Camera } from "./camera.js";
import { MARGIN, Pad, SIDE } from "./draw.js";
import { onFile, open } from "./picture.js";
import { ask, Failure, Newest, pause } from "./server.js";
import { wording } from "./words.js";

const PACE_MS = 50;

const byId = (id) => document.getElementById(id);
const pad = new Pad(byId("pad"));
const answer = new Answer();
const questions = new Newest(judge, PACE_MS);
/** What is being judged. An answer that comes when it has changed is for nobody. */
let subject = drawing();
let known = false;
let words = wording({ pipeline: "digit/2" });
let busy = 0;

/** What is drawn, up to the next clearing. */
function drawing() {
  return { drawn: true, image: () => pad.image(), place: [MARGIN, MARGIN, SIDE, SIDE] };
}

function status(text) {
  byId("status").textContent = text;
}

/** Asks about a subject, shows the answer, or says in one sentence why there is none. */
async function judge(asked) {
  try {
    const image = await asked.image();
    const found = await ask("v1/classify?model_input=true", image);
    const several = found.answer.rejected === "several_digits" && (await read(image));
    if (asked !== subject) return;
    if (several) answer.read(several, asked.place);
    else answer.classified(found, asked.drawn, asked.drawn ? null : asked.place);
    status("");
    busy = 0;
    meet();
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    if (asked === subject) await retreat(failure, asked);
  }
}

/** Reads several digits as a number. The board is asked at the same pace as with one. */
async function read(image) {
  await pause(PACE_MS);
  return ask("v1/read", image);
}

/** A busy board is asked again when it said; a person hears of it when that has happened twice. */
async function retreat({ message, seconds }, asked) {
  if (!seconds) {
    if (!asked.drawn) answer.reset("");
    return status(message);
  }
  if (++busy > 1) status("The board is busy; trying again.");
  await pause(seconds * 1000);
  if (asked === subject) questions.give(asked);
}

/** Gets to know the model, unless that was done. */
async function meet() {
  if (known) return;
  try {
    const model = (await ask("v1/model")).answer;
    known = true;
    answer.name(model.labels);
    showCard(model);
    call(model);
    byId("camera").hidden = !model.camera;
    if (model.camera) new Camera();
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    status(failure.message);
  }
}

/** Names the page after what its model does, unless that is what it says already. */
function call(model) {
  if (model.pipeline === "digit/2") return;
  words = wording(model);
  document.title = `edgedigits: ${words.title}`;
  byId("claim").textContent = words.claim;
  byId("invitation").textContent = words.invitation;
  byId("model-input").alt = `The ${model.image[1]} by ${model.image[0]} pixels that the model saw`;
  if (subject.drawn && pad.empty) answer.reset(words.empty);
}

/** Shows the sheet to draw on, or a picture in its place. */
function show(picture) {
  for (const id of ["pad", "undo", "clear"]) byId(id).hidden = picture;
  for (const id of ["picture", "draw"]) byId(id).hidden = !picture;
  byId("invitation").hidden = picture || !pad.empty;
}

async function take(file) {
  const taken = { drawn: false };
  subject = taken;
  answer.reset("Reading…");
  status("");
  show(true);
  try {
    const { blob, size } = await open(file, byId("picture"));
    if (subject !== taken) return;
    byId("picture").hidden = !size;
    Object.assign(taken, { image: () => blob, place: size && [0, 0, ...size] });
    questions.give(taken);
  } catch (failure) {
    if (!(failure instanceof Failure)) throw failure;
    if (subject === taken) await retreat(failure, taken);
  }
}

pad.addEventListener("change", () => {
  byId("invitation").hidden = !pad.empty;
  questions.give(subject);
});
pad.addEventListener("clear", () => {
  subject = drawing();
  answer.reset(words.empty);
});
pad.addEventListener("pen", ({ detail }) => {
  byId("pen").textContent = detail ? "Pen down" : "Pen up";
});
byId("undo").addEventListener("click", () => pad.undo());
byId("clear").addEventListener("click", () => pad.clear());
byId("draw").addEventListener("click", () => {
  subject = drawing();
  answer.reset("");
  status("");
  show(false);
  byId("pad").focus();
  questions.give(subject);
});
addEventListener("online", () => subject.image && byId("status").textContent && questions.give(subject));
onFile([byId("choose"), byId("photograph")], take);
meet();
