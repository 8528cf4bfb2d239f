-- The sample configuration of the original Pharos, line for line.
--
-- What:  two commands and a page in each of two sets
-- Needs: the internet, for the pages
-- Args:  none
-- Shows: "Is True?" and "Also True?" green, "Is False?" and "Also False?" red,
--        the pages green, yellow or red by how long they take

-- Optional page title, defaults to "Keeps watch..."
page_tag = "Watching so you don't have to"

metric_watcher_sets = {
  pharos.WatcherSet("Watch Set 1",
    {
      pharos.CommandMetricWatcher{name="Is True?", command="true"},
      pharos.CommandMetricWatcher{name="Is False?", command="false"},
      pharos.PageGETMetricWatcher{name="Is Google Up", url="http://www.google.com/", thresholds={0.001, 0.100, 1.0}},

    }),
  pharos.WatcherSet("Watch Set 2",
    {
      pharos.CommandMetricWatcher{name="Also True?", command="true"},
      pharos.CommandMetricWatcher{name="Also False?", command="false"},
      pharos.PageGETMetricWatcher{name="Is Apple Up", url="http://www.apple.com/", thresholds={0.001, 0.100, 1.0}},

    })

}
