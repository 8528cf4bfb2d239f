-- What:  the depth of queues in redis, spoken to over plain TCP
-- Needs: redis, and lists in it
-- Args:  REDIS=127.0.0.1:6379 QUEUES="default mail"
-- Shows: jobs waiting, yellow from 100, red from 1000

local redis = pharos.env("REDIS", "127.0.0.1:6379")

local Queue = pharos.MetricWatcher:extend{
  options = { queue = "string" },
  interval = "1s", unit = "jobs", thresholds = { warn = 100, crit = 1000 },
}

function Queue:check()
  local answer, err = pharos.tcp(redis, { send = "LLEN " .. self.queue .. "\r\n", lines = 1 })
  if not answer then return nil, err end
  local depth = answer.lines[1]:match("^:(%d+)")
  if not depth then return self:critical("error", answer.lines[1]) end
  return tonumber(depth), ("in %.4f s"):format(answer.timing.total)
end

metric_watchers = {}
for queue in pharos.env("QUEUES", "default mail"):gmatch("%S+") do
  table.insert(metric_watchers, Queue{ name = queue, queue = queue })
end
