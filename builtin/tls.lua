-- TLSMetricWatcher: how many days the certificates of a server still last. The
-- thresholds judge the days left, 14 and 3 by default; a chain that is not
-- trusted is critical.
--
--   pharos.TLSMetricWatcher{ name = "certificate", address = "example.com:443", interval = "1h" }

local passed = {
  starttls = "string", ip = "number", ca = "string", cert = "string", key = "string", server_name = "string",
  alpn = "table", ssh_host = "string|table",
}
local given = (...)(passed)

local TLSMetricWatcher = pharos.MetricWatcher:extend{
  class_name = "TLSMetricWatcher",
  interval = 60,
  unit = "days",
  thresholds = { warn = 14, crit = 3 },
  options = {
    address = "string", -- "host:port"; needed
    insecure = "boolean", -- only the days count, not whether the chain is trusted
  },
}
for name, types in pairs(passed) do TLSMetricWatcher.options[name] = types end

function TLSMetricWatcher:init()
  if not self.address or self.address == "" then
    error(("%s: cannot make a %s without an address"):format(self.source, self.class_name), 0)
  end
end

function TLSMetricWatcher:check()
  local shown, err = pharos.tls(self.address, given(self))
  if not shown then return nil, err end
  local days = math.modf(shown.chain_days_left) + 0 -- whole ones, and no minus zero
  local own = shown.chain[1]
  local detail = ("%s by %s until %s, TLS %s"):format(
    own.subject, own.issuer, pharos.time.format(own.not_after), shown.version)
  if not shown.verified and not self.insecure then
    return self:critical(days, shown.verify_error .. "; " .. detail)
  end
  return days, detail
end

return TLSMetricWatcher
