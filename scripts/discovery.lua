-- What:  a fleet that finds itself: for each host of a service registry a page and its ssh
-- Needs: an address that answers with JSON, [{"name": "web-1", "address": "10.0.0.1"}, ...]; a cloud, Consul, your own
-- Args:  REGISTRY=http://127.0.0.1:8500/hosts
-- Shows: two tiles for each host; they come and go with the registry, and stay when it is down, which the heading says

local registry = pharos.env("REGISTRY", "http://127.0.0.1:8500/hosts")

local function hosts()
  local answer, err = pharos.http.get(registry, { timeout = 5 })
  if not answer then return nil, err end -- the last members stay
  if answer.status ~= 200 then return nil, registry .. " answers " .. answer.status end

  local list, broken = pharos.json.decode(answer.body)
  if not list then return nil, broken end

  local watchers = {}
  for _, host in ipairs(list) do
    watchers[#watchers + 1] = pharos.PageGETMetricWatcher{
      name = host.name, url = "http://" .. host.address .. "/", thresholds = { 0.0001, 0.2, 2 },
    }
    watchers[#watchers + 1] = pharos.TCPMetricWatcher{
      name = host.name .. " ssh", address = host.address .. ":22", lines = 1, interval = "10s",
    }
  end
  return watchers
end

metric_watcher_sets = { pharos.WatcherSet("Fleet", hosts, { interval = "30s", limit = 200 }) }
