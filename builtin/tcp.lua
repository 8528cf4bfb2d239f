-- TCPMetricWatcher: connects, and if asked to sends and waits for an answer.
-- No connection and no such answer are critical; the thresholds judge the total
-- time in seconds.
--
--   pharos.TCPMetricWatcher{ name = "redis", address = "127.0.0.1:6379", send = "PING\r\n", expect = "+PONG" }

local passed = {
  send = "string", expect = "string", lines = "number", tls = "boolean", starttls = "string", ip = "number",
  insecure = "boolean", ca = "string", cert = "string", key = "string", server_name = "string", alpn = "table",
  ssh_host = "string|table",
}
local giving, _, decided = ...
local given = giving(passed)

local TCPMetricWatcher = pharos.MetricWatcher:extend{
  class_name = "TCPMetricWatcher",
  options = {
    address = "string|function", -- "host:port", or the path of a unix socket; needed
    handle_output = "function",
  },
}
for name, types in pairs(passed) do TCPMetricWatcher.options[name] = types end

function TCPMetricWatcher:init()
  if not self.address or self.address == "" then
    error(("%s: cannot make a %s without an address"):format(self.source, self.class_name), 0)
  end
end

function TCPMetricWatcher:check()
  local address = self.address
  if type(address) == "function" then address = address(self) end
  local result, err = pharos.tcp(address, given(self))
  if not result then return nil, err end

  self.total = result.timing.total

  local status, value, detail, more = decided(self, true, self:handle_output(result.reply .. table.concat(result.lines, "\n"), result))
  if status ~= nil or value ~= nil then return status, value, detail, more end
  if self.verdict then return self.verdict end
  return self.total, result.remote_ip
end

-- Override it to judge what was answered; whatever it decides wins.
function TCPMetricWatcher:handle_output(output, result) end

return TCPMetricWatcher
