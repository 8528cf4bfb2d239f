-- The board that pharosd serves when you give it none.
--
-- Copy it to pharos.lua, start pharosd in that folder, and change it: the board
-- follows as soon as you save.

page_tag = "Watching so you don't have to"

-- Your own kind of watcher: extend one that exists, and override what differs.
local LoadAverage = pharos.CommandMetricWatcher:extend{ command = "uptime" }

function LoadAverage:handle_output(output)
  local load = output:match("load averages?: ([%d.]+)")
  return tonumber(load), output -- a number is judged by the thresholds
end

metric_watcher_sets = {
  -- A command that succeeds is green, one that fails is red.
  pharos.WatcherSet("First steps", {
    pharos.CommandMetricWatcher{ name = "Is True?", command = "true" },
    pharos.CommandMetricWatcher{ name = "Is False?", command = "false" },
  }),

  pharos.WatcherSet("Your own", {
    LoadAverage{ name = "Load", interval = "5s", thresholds = { warn = 8, crit = 32 } },

    -- The smallest watcher of your own is a function.
    pharos.MetricWatcher{
      name = "Seconds of the minute",
      interval = "1s",
      unit = "s",
      thresholds = { warn = 50, crit = 57 }, -- a number is judged by them
      check = function(self)
        self.runs = (self.runs or 0) + 1 -- self stays from run to run
        return math.floor(pharos.time.now() % 60), "looked " .. self.runs .. " times"
      end,
    },
  }),
}

-- A page is judged by its time in seconds: {min, warn, crit}. This one is
-- Pharos itself, so nothing is too fast: the page that wants no password, by the
-- machine's address, for which a certificate is not.
if pharos.url then
  table.insert(metric_watcher_sets, pharos.WatcherSet("Pages", {
    pharos.PageGETMetricWatcher{
      name = "Pharos itself", url = pharos.url .. "healthz", insecure = true,
      thresholds = { 0, 0.100, 1.0 }, interval = "1s",
    },
  }))
end
