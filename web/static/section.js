// One section of the board: a set's heading, its tiles, and the count that
// stands for those that are folded.

import { isProblem, sign, WORST_FIRST } from "./status.js";
import { text } from "./text.js";

export class Section {
  #sum;
  #note;
  #problem;
  #rows;

  // element: the server's <section class="set">, or none to copy the template.
  // toggle() is called when its fold is clicked.
  constructor(name, element, template, toggle) {
    this.element = element ?? template.content.firstElementChild.cloneNode(true);
    this.list = this.element.querySelector(".tiles");
    this.fold = this.element.querySelector(".fold");
    this.#sum = this.element.querySelector(".sum");
    this.#note = this.element.querySelector(".looking");
    this.#problem = this.element.querySelector(".trouble");
    this.fold.addEventListener("click", toggle);
    this.fold.firstElementChild.disabled = document.documentElement.classList.contains("-kiosk"); // a wall has no room for what it folds
    this.element.dataset.set = name;
    this.element.classList.toggle("-unnamed", name === "");
    text(this.element.querySelector(".title"), name);
  }

  // tell says how the set's discovery is, and how many tiles are not shown where
  // no tile says so.
  tell({ note, problem }, fold) {
    text(this.#note, [fold, note].filter(Boolean).join(" · "));
    text(this.#problem, problem);
    this.#problem.title = problem;
  }

  // reserve says how many rows of tiles there are, drawn or off screen.
  reserve(rows) {
    if (rows === this.#rows) return;
    this.#rows = rows;
    this.list.style.setProperty("--rows", rows);
  }

  // sumUp says what there is: counts of statuses, how many tiles are shown, what
  // the fold says, and whether the heading was told something.
  sumUp(counts, shown, fold, told) {
    const problems = WORST_FIRST.filter((s) => isProblem(s) && counts[s]);
    text(this.#sum, problems.map((s) => counts[s] + sign(s)).join(" "));
    const words = problems.map((s) => `${counts[s]} ${s}`).join(", ") || null;
    if (this.#sum.ariaLabel !== words) {
      this.#sum.ariaLabel = words;
      this.#sum.role = words && "img";
    }
    text(this.fold.firstElementChild, fold);
    this.fold.hidden = fold === "";
    this.element.hidden = shown === 0 && fold === "" && !told;
  }
}

// tells tells whether a set's heading has something to say also when no tile of
// it is shown.
export function tells({ ids, note, problem }) {
  return problem !== "" || (note !== "" && ids.length === 0);
}
