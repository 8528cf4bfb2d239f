-- What:  errors that a log gained since the run before
-- Needs: a log file
-- Args:  LOG=/var/log/syslog
-- Shows: new errors, yellow from 1, red from 20; the last of them as detail

local log = pharos.env("LOG", "/var/log/syslog")

metric_watchers = {
  pharos.MetricWatcher{
    name = "new errors", interval = "5s", thresholds = { warn = 1, crit = 20 },
    check = function(self)
      local file, err = pharos.file.stat(log)
      if not file then return nil, err end
      local before = self.state.size
      self.state.size = file.size
      if not before then return 0, "the first look" end
      if before > file.size then before = 0 end -- a new file
      if before == file.size then return 0, "nothing new" end

      local added = assert(pharos.exec({ "tail", "-c", "+" .. before + 1, log }, { max_output = 1e6 }))
      local count, last = 0, "none among the new lines"
      for line in added.stdout:gmatch("[^\n]+") do
        if line:lower():find("error", 1, true) then count, last = count + 1, line end
      end
      return count, last
    end,
  },
}
