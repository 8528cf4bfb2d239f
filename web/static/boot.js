// Runs before the first paint, so that no wall flashes in the wrong theme: the
// looks asked for in the URL become attributes of the root, which the style
// sheets read. A classic script on purpose: modules wait for the document.
{
  const params = new URLSearchParams(location.search);
  const root = document.documentElement;
  for (const name of ["theme", "density", "palette"]) {
    const value = params.get(name);
    if (value) root.dataset[name] = value;
  }
  if (!["dark", "light"].includes(root.dataset.theme)) {
    root.dataset.theme = matchMedia("(prefers-color-scheme: light)").matches ? "light" : "dark";
  }
  const kiosk = params.get("kiosk");
  if (kiosk !== null && kiosk !== "0" && kiosk !== "false") root.classList.add("-kiosk");
  root.classList.add("-js");

  // Where a part does not come, as when the server goes away meanwhile, the page
  // would look alive and stand still for ever: it is loaded anew, once there is
  // a server again.
  let again = 0;
  addEventListener("error", ({ target }) => {
    if (again || !(target instanceof Element) || !target.matches("script, link[rel=stylesheet]")) return;
    again = setInterval(async () => {
      const answer = await fetch("healthz").catch(() => null);
      if (answer?.ok) location.reload();
    }, 5000);
  }, true);
}
