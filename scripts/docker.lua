-- What:  containers, asked of docker over its socket, without its client
-- Needs: the right to use the socket
-- Args:  DOCKER_SOCKET=/var/run/docker.sock CONTAINERS="web db"
-- Shows: "running", yellow while starting, red when stopped or unhealthy

local socket = pharos.env("DOCKER_SOCKET", "/var/run/docker.sock")

local Container = pharos.MetricWatcher:extend{ options = { container = "string" }, interval = "2s" }

function Container:check()
  local page = assert(pharos.http.get("http://docker/containers/" .. self.container .. "/json", { unix = socket, max_body = 1e6 }))
  if page.status == 404 then return self:critical("missing") end
  if page.status ~= 200 then return self:unknown("HTTP " .. page.status, page.body) end
  local found = assert(pharos.json.decode(page.body)).State
  local health = found.Health and found.Health.Status or "no health check"
  if found.Status ~= "running" or health == "unhealthy" then
    return self:critical(found.Status, health .. ", exit code " .. found.ExitCode)
  end
  if health == "starting" then return self:warning("starting") end
  return self:ok("running", health)
end

metric_watchers = {}
for name in pharos.env("CONTAINERS", "web db"):gmatch("%S+") do
  table.insert(metric_watchers, Container{ name = name, container = name })
end
