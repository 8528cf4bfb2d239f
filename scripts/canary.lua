-- What:  whether the canary is slower than production, by the median of the last minute
-- Needs: two addresses of the same page
-- Args:  PRODUCTION=http://127.0.0.1:8001/ CANARY=http://127.0.0.1:8002/
-- Shows: "1.1 x", yellow from 1.5 times as slow, red from 3 times or when they answer differently

local sides = {
  production = { url = pharos.env("PRODUCTION", "http://127.0.0.1:8001/"), times = pharos.ring(60) },
  canary = { url = pharos.env("CANARY", "http://127.0.0.1:8002/"), times = pharos.ring(60) },
}

metric_watchers = {
  pharos.MetricWatcher{
    name = "canary", interval = "1s", thresholds = { warn = 1.5, crit = 3 },
    check = function(self)
      local codes = {}
      for name, side in pairs(sides) do
        local page = assert(pharos.http.get(side.url))
        side.times:push(page.timing.total)
        codes[name] = page.status
      end
      if codes.canary ~= codes.production then
        return self:critical("HTTP " .. codes.canary, "production says " .. codes.production)
      end
      local canary, production = sides.canary.times:quantile(0.5), sides.production.times:quantile(0.5)
      return canary / production, ("median %.4f s against %.4f s"):format(canary, production)
    end,
    value = function(self, result)
      return type(result.value) == "number" and ("%.1f x"):format(result.value) or result.value
    end,
  },
}
