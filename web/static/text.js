// text writes a text where it differs: what stays is not drawn again, nor read out.
export function text(element, value) {
  if (element.textContent !== value) element.textContent = value;
}
