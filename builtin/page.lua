-- PageGETMetricWatcher: gets a page as a user does, over a fresh connection.
-- Any answer but 200 is critical; the thresholds judge the total time in
-- seconds, and a page as fast as the least of them is suspicious.
--
--   pharos.PageGETMetricWatcher{ name = "Front page", url = "http://example.com/", thresholds = {0.001, 0.100, 1.0} }

local passed = {
  headers = "table", redirects = "number", keepalive = "boolean", ip = "number", resolve = "table",
  unix = "string", proxy = "string", proxy_ca = "string", insecure = "boolean", ca = "string", cert = "string", key = "string",
  server_name = "string", basic = "string|table", bearer = "string", cookies = "table", max_body = "number",
  http = "string", ssh_host = "string|table",
}
local _, getting, decided = ...
local get = getting(passed)

local PageGETMetricWatcher = pharos.MetricWatcher:extend{
  class_name = "PageGETMetricWatcher",
  options = {
    url = "string|function", -- or a method that gives it; needed
    handle_output = "function",
  },
}
for name, types in pairs(passed) do PageGETMetricWatcher.options[name] = types end

function PageGETMetricWatcher:init()
  if not self.url or self.url == "" then
    error(("%s: cannot make a %s without a url"):format(self.source, self.class_name), 0)
  end
end

function PageGETMetricWatcher:check()
  local url = self.url
  if type(url) == "function" then url = url(self) end
  local handle = self.handle_output
  local whole = handle ~= PageGETMetricWatcher.handle_output -- or the body would be kept for nobody
  local page, err, total, code, detail = get(self, url, whole)
  if not page then return nil, err end
  self.total = total

  if whole then
    local status, value, text, more = decided(self, code == 200, handle(self, page.body, page))
    if status ~= nil or value ~= nil then return status, value, text, more end
    if self.verdict then return self.verdict end
  end

  if code ~= 200 then
    return { status = "critical", value = total, unit = "HTTP " .. code, detail = detail }
  end
  return total, detail
end

-- Override it to judge what the page says; whatever it decides wins.
function PageGETMetricWatcher:handle_output(body, page) end

return PageGETMetricWatcher
