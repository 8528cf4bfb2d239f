-- What:  what a JSON API says of itself, field by field
-- Needs: an API that answers like { "status": "up", "queue": { "depth": 3 } }
-- Args:  API=http://127.0.0.1/health
-- Shows: the depth of the queue, yellow from 100, red from 1000, or when the status is not "up"

local api = pharos.env("API", "http://127.0.0.1/health")

metric_watchers = {
  pharos.MetricWatcher{
    name = "api", interval = "2s", unit = "jobs", thresholds = { warn = 100, crit = 1000 },
    check = function(self)
      local page = assert(pharos.http.get(api, { headers = { Accept = "application/json" } }))
      local health, err = pharos.json.decode(page.body)
      if not health then return nil, err end
      if health.status ~= "up" then return self:critical(health.status, page.body) end
      return health.queue.depth, ("HTTP %d in %.3f s"):format(page.status, page.timing.total)
    end,
  },
}
