-- What:  a fleet: for each host of a list a page, its ssh and its disk, a set for each role
-- Needs: hosts.txt beside this file, with lines "role host"; without it a fleet of one
-- Args:  none
-- Shows: one section for each role, as many tiles as hosts; a changed list changes the board

local list = pharos.file.read("hosts.txt") or "web 127.0.0.1\n" -- read at load: watched for changes

local roles, order = {}, {}
for role, host in list:gmatch("(%S+)%s+(%S+)") do
  if not roles[role] then roles[role], order[#order + 1] = {}, role end
  local watchers = roles[role]
  watchers[#watchers + 1] = pharos.PageGETMetricWatcher{
    name = host .. " page", url = "http://" .. host .. "/", thresholds = { 0.0001, 0.2, 2 },
  }
  watchers[#watchers + 1] = pharos.TCPMetricWatcher{
    name = host .. " ssh", address = host .. ":22", lines = 1, interval = "5s",
  }
  watchers[#watchers + 1] = pharos.CommandMetricWatcher{
    name = host .. " disk", ssh_host = host, interval = "1m",
    command = "test $(df -P / | awk 'END { print $5 + 0 }') -lt 90",
  }
end

metric_watcher_sets = {}
for i, role in ipairs(order) do metric_watcher_sets[i] = pharos.WatcherSet(role, roles[role]) end
