// settle makes element the child of parent at place, which is where the one
// after it stands if it is there already: what stays is not moved, and keeps the
// focus. It gives the place after it.
export function settle(parent, element, place) {
  if (element === place) return place.nextElementSibling;
  parent.insertBefore(element, place);
  return place;
}
