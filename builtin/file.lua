-- FileMetricWatcher: the age in seconds, or the size in bytes, of a file, or of the
-- newest of those that a pattern matches. The thresholds judge it; a missing file is
-- critical.
--
--   pharos.FileMetricWatcher{ name = "backup", path = "/var/backups/db.gz", thresholds = { warn = "26h", crit = "50h" } }

local FileMetricWatcher = pharos.MetricWatcher:extend{
  class_name = "FileMetricWatcher",
  measure = "age",
  options = {
    path = "string", -- relative to the folder of the script, "db-*.gz" is the newest of them; needed
    measure = "string", -- "age" or "size"
  },
}

function FileMetricWatcher:init()
  if self.ssh_host then
    error(("%s: cannot use option \"ssh_host\" of %s: it looks from here only"):format(self.source, self.class_name), 0)
  end
  if not self.path or self.path == "" then
    error(("%s: cannot make a %s without a path"):format(self.source, self.class_name), 0)
  elseif self.measure ~= "age" and self.measure ~= "size" then
    error(("%s: cannot use option \"measure\" of %s: want \"age\" or \"size\", got %q"):format(self.source, self.class_name, self.measure), 0)
  end
end

function FileMetricWatcher:check()
  local name = self.path:match("[^/]*$")
  local pattern = name:find("[*?]")
  local file, err = pharos.file[pattern and "newest" or "stat"](self.path)
  if not file then return nil, err end
  local detail = ("%d bytes, changed %s"):format(file.size, pharos.time.format(file.mtime))
  return file[self.measure], pattern and file.path:match("[^/]*$") .. ", " .. detail or detail
end

local units = { { "days", 86400 }, { "hours", 3600 }, { "minutes", 60 } }
local sizes = { { "GB", 1e9 }, { "MB", 1e6 }, { "kB", 1e3 } }

-- In the unit that suits it: "3.2 hours", "12.0 MB".
function FileMetricWatcher:value(result)
  if type(result.value) ~= "number" then return result.value end
  for _, unit in ipairs(self.measure == "age" and units or sizes) do
    if result.value >= 2 * unit[2] then return ("%.1f %s"):format(result.value / unit[2], unit[1]) end
  end
  return ("%d %s"):format(result.value, self.measure == "age" and "s" or "bytes")
end

return FileMetricWatcher
