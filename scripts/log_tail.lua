-- What:  the share of requests that ended in a server error, live from the access log
-- Needs: an access log in the common or combined format
-- Args:  ACCESS_LOG=/var/log/nginx/access.log
-- Shows: errors in percent of the last 200 requests, yellow from 1, red from 5; stale after 5 quiet minutes

local last = pharos.ring(200) -- 1 for a request that failed, 0 for one that did not

metric_watchers = {
  pharos.MetricWatcher{
    name = "server errors", thresholds = { warn = 1, crit = 5 }, unit = "%", ttl = "5m",
    events = pharos.file.tail(pharos.env("ACCESS_LOG", "/var/log/nginx/access.log"), function(self, line)
      local code = line:match('" (%d%d%d) ')
      if not code then return end -- no verdict: the status stays as it is
      last:push(code:sub(1, 1) == "5" and 1 or 0)
      if last:count() < 20 then return end
      if code:sub(1, 1) == "5" then self.worst = line end
      return last:mean() * 100, self.worst
    end),
    value = function(self, result) return ("%.1f"):format(result.value) end,
  },
}
