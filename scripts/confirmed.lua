-- What:  the same page twice: as it flickers, and with a change of status confirmed first
-- Needs: a page that fails now and then
-- Args:  URL=http://127.0.0.1/
-- Shows: two tiles; the second says "critical 1/2" and stays as it is until two of three runs agree

local url = pharos.env("URL", "http://127.0.0.1/")

metric_watchers = {
  pharos.PageGETMetricWatcher{ name = "every blip", url = url, interval = "1s" },
  pharos.PageGETMetricWatcher{ name = "confirmed", url = url, interval = "1s", confirm = { 2, of = 3 } },
}
