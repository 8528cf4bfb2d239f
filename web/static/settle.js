// settle makes element the child of parent at place, which is where the one
// after it stands if it is there already: what stays is not moved. Either way it
// keeps the focus. It gives the place after it.
export function settle(parent, element, place) {
  if (element === place) return place.nextElementSibling;
  const focused = element.contains(document.activeElement) ? document.activeElement : null;
  parent.insertBefore(element, place);
  focused?.focus({ preventScroll: true });
  return place;
}
