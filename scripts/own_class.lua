-- What:  a class of your own, from nothing: a counter read from a command, shown as its rate
-- Needs: a command that prints a number that grows
-- Args:  COMMAND, default: the processes that the kernel made so far
-- Shows: "12 /s", yellow from 1000, red from 10000

local Rate = pharos.MetricWatcher:extend{
  class_name = "Rate",
  options = { command = "string" }, -- what Rate{ ... } may be given besides a MetricWatcher's own
  unit = "/s",
}

function Rate:init()
  if not self.command then error("cannot make a Rate without a command", 3) end
end

function Rate:check()
  local result, err = pharos.exec(self.command)
  if not result then return nil, err end
  local count, now = tonumber(result.stdout), pharos.time.now()
  if not count then return self:unknown("no number", result.stdout) end

  local before = self.state -- kept when the file changes, and when Pharos starts again
  local since, counted = before.at, before.count
  before.at, before.count = now, count
  if not since or count < counted then return self:ok("counting", "from " .. count) end
  return (count - counted) / (now - since), ("%d since %s"):format(count - counted, pharos.time.format(since))
end

metric_watchers = {
  Rate{ name = "forks", interval = "2s", thresholds = { warn = 1000, crit = 10000 },
    command = pharos.env("COMMAND", "awk '/^processes/ { print $2 }' /proc/stat") },
}
