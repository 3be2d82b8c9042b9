local hop = {
  ["connection"] = true, ["keep-alive"] = true, ["proxy-connection"] = true, ["te"] = true, ["trailer"] = true,
  ["transfer-encoding"] = true, ["upgrade"] = true, ["content-length"] = true, ["expect"] = true,
  ["x-forwarded-proto"] = true, ["http2-settings"] = true
}

local function listed(value)
  if value == nil then return {} end
  if type(value) == "table" then return value end
  return {value}
end

local function address_of(handle)
  local whole = handle:streamInfo():downstreamRemoteAddress() or ""
  return whole:match("^%[(.*)%]:%d+$") or whole:match("^(.*):%d+$") or whole
end

-- The headers of a request for one of our own, as httpCall takes them.
local function passed_on(headers, is_hidden)
  local asked = {}
  for name, value in pairs(headers) do
    if name:sub(1, 1) ~= ":" and name ~= "host" and not hop[name] and name:sub(1, 8) ~= "x-envoy-" and not is_hidden(name) then
      local before = asked[name]
      if before == nil then
        asked[name] = value
      elseif type(before) == "table" then
        before[#before + 1] = value
      else
        asked[name] = {before, value}
      end
    end
  end
  return asked
end
