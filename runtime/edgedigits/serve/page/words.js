/** Numbers and answers in words. */

/** Rounded down, and never 100, so that nothing is called certain. */
export const percent = (share) => `${(Math.min(999, Math.floor(share * 1000)) / 10).toFixed(1)} %`;

export const milliseconds = (value) => `${value.toFixed(value < 1 ? 2 : 1)} ms`;

const SOME = 4; // labels that stand for all

/** What the page calls itself and asks for: digits are found in a picture, all else is classified as it is. */
export function wording({ pipeline, labels }) {
  if (pipeline === "digit/2")
    return { title: "draw a digit", claim: "Digits, read on this board", invitation: "Draw a digit", empty: "No digit seen yet." };
  const some = labels.slice(0, SOME).join(", ") + (labels.length > SOME ? ", …" : "");
  return { title: "choose a picture", claim: "Pictures, classified on this board", invitation: "Choose a picture", empty: `It knows: ${some}` };
}

const REASONS = {
  no_digit: ({ drawn }) => (drawn ? "No digit seen yet." : "No digit found in this picture."),
  not_digit_like: ({ best }) => `This does not look like a digit.${best ? ` The closest is ${best}.` : ""}`,
  ambiguous: ({ first, second }) => `Two answers are as likely: ${first} or ${second}.`,
  several_digits: () => "More than one digit, but none of them could be read.",
};

/** What to say about an answer of v1/classify; `labels` are the names of its classes. */
export function verdict(answer, labels, drawn) {
  const { rejected, probabilities, label, confidence } = answer;
  if (!rejected) return `${percent(confidence)} sure`;
  const [first, second] = probabilities.map((share, i) => [share, labels[i]]).sort(([a], [b]) => b - a);
  const best = label && `${label}, at ${percent(confidence)}`;
  return REASONS[rejected]?.({ drawn, best, first: first?.[1], second: second?.[1] }) ?? `Refused: ${rejected}.`;
}

/** What to say about an answer of v1/read. */
export function readOut({ lines }) {
  const digits = digitsOf(lines);
  const unsure = digits.filter(({ rejected }) => rejected).length;
  if (!digits.length) return REASONS.several_digits();
  return `${digits.length} digits read${unsure ? `; ${unsure} could not be told` : ""}`;
}

export const digitsOf = (lines) => lines.flatMap(({ words }) => words.flatMap(({ digits }) => digits));
