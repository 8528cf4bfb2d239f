-- What:  deployments of a kubernetes cluster: how many replicas are ready
-- Needs: a service account that may read deployments
-- Args:  API=https://kubernetes.default.svc NAMESPACE=default DEPLOYMENTS="web worker", and the secret KUBE_TOKEN
-- Shows: "3/3", yellow when some are missing, red when none is there

local api = pharos.env("API", "https://kubernetes.default.svc")
local namespace = pharos.env("NAMESPACE", "default")
local token = pharos.secret("KUBE_TOKEN")
local authority = pharos.file.read("/var/run/secrets/kubernetes.io/serviceaccount/ca.crt") -- nil outside of a cluster

local Deployment = pharos.MetricWatcher:extend{ options = { deployment = "string" }, interval = "5s" }

function Deployment:check()
  local url = ("%s/apis/apps/v1/namespaces/%s/deployments/%s"):format(api, namespace, self.deployment)
  local page = assert(pharos.http.get(url, { bearer = token, ca = authority, max_body = 1e6 }))
  if page.status ~= 200 then return self:critical(page.status, page.body:sub(1, 300)) end
  local found = assert(pharos.json.decode(page.body))
  local ready, wanted = found.status.readyReplicas or 0, found.spec.replicas
  local value = ready .. "/" .. wanted
  if wanted > 0 and ready == 0 then return self:critical(value) end
  if ready < wanted then return self:warning(value) end
  return self:ok(value)
end

metric_watchers = {}
for name in pharos.env("DEPLOYMENTS", "web worker"):gmatch("%S+") do
  table.insert(metric_watchers, Deployment{ name = name, deployment = name })
end
