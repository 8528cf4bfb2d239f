-- What:  the fullest file system of hosts, over ssh
-- Needs: ssh to the hosts, and df there
-- Args:  HOSTS="web-1 web-2"
-- Shows: "83 %" and its mount point, yellow from 80, red from 95

local Disk = pharos.CommandMetricWatcher:extend{
  command = "df -P -x tmpfs -x devtmpfs", interval = "30s", thresholds = { warn = 80, crit = 95 },
}

function Disk:handle_output(output)
  local fullest, where = 0, "nothing is mounted"
  for percent, mount in output:gmatch("(%d+)%%%s+(/%S*)") do
    if tonumber(percent) > fullest then fullest, where = tonumber(percent), mount end
  end
  return fullest, where
end

function Disk:value(result) return result.value .. " %" end

metric_watchers = {}
for host in pharos.env("HOSTS", "web-1 web-2"):gmatch("%S+") do
  table.insert(metric_watchers, Disk{ name = host, ssh_host = host })
end
