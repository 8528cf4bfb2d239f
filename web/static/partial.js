// Where a part does not come, as when the server goes away meanwhile, the page
// would look alive and stand still for ever: it is loaded anew, once there is a
// server again. In the page itself, for it may be any file that does not come,
// and at its end: to start the script engine takes a tenth of the time to the
// first paint.
{
  let again = 0;
  const watch = (part) => {
    if (again || !(part instanceof Element) || !part.matches("script, link[rel=stylesheet]")) return;
    again = setInterval(async () => {
      const answer = await fetch("healthz").catch(() => null);
      if (answer?.ok) location.reload();
    }, 5000);
  };
  addEventListener("error", ({ target }) => watch(target), true);
  // A script waits for the style sheets before it. One that failed has no rules,
  // or none that may be read.
  for (const link of document.querySelectorAll("link[rel=stylesheet]")) {
    if (!matchMedia(link.media).matches) continue; // nothing waits for it
    try {
      if (link.sheet.cssRules.length > 0) continue;
    } catch {}
    watch(link);
  }
}
