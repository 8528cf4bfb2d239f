-- What:  whether several resolvers say the same of a name, and how fast
-- Needs: the resolvers
-- Args:  NAME=localhost RESOLVERS="9.9.9.9 1.1.1.1 8.8.8.8"
-- Shows: one tile each with its time, and one that is red when they disagree

local name = pharos.env("NAME", "localhost")
local resolvers = {}
for server in pharos.env("RESOLVERS", "9.9.9.9 1.1.1.1 8.8.8.8"):gmatch("%S+") do resolvers[#resolvers + 1] = server end

metric_watchers = {
  pharos.MetricWatcher{
    name = "they agree", interval = "30s",
    check = function(self)
      local said, first = {}, nil
      for _, server in ipairs(resolvers) do
        local answer = assert(pharos.dns(name, { server = server, timeout = "1s" }))
        table.sort(answer.values)
        local values = answer.code .. " " .. table.concat(answer.values, ", ")
        said[#said + 1] = server .. ": " .. values
        first = first or values
        if values ~= first then return self:critical("no", table.concat(said, "\n")) end
      end
      return self:ok("yes", table.concat(said, "\n"))
    end,
  },
}
for _, server in ipairs(resolvers) do
  table.insert(metric_watchers, pharos.DNSMetricWatcher{
    name = server, host = name, server = server, interval = "5s", thresholds = { warn = 0.1, crit = 1 },
  })
end
