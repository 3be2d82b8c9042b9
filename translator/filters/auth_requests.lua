local with_cookies = {
  ["200"] = true, ["201"] = true, ["204"] = true, ["206"] = true, ["301"] = true, ["302"] = true, ["303"] = true,
  ["304"] = true, ["307"] = true, ["308"] = true
}
local space = "dragoman.auth_request"

local function escaped(text)
  return (text:gsub("[^%w%-%._~]", function(sign) return string.format("%%%02X", sign:byte()) end))
end

local function filled(text, known)
  return (text:gsub("%$([a-z_]+)", function(name) return known[name] end))
end

local function ask(handle, said)
  local headers = handle:headers()
  local request_uri, authority = headers:get(":path") or "/", headers:get(":authority") or ""
  local scheme = headers:get("x-forwarded-proto") or "http"
  local known = {
    host = authority:gsub(":%d+$", ""):lower(), http_host = authority, scheme = scheme, request_uri = request_uri,
    escaped_request_uri = escaped(request_uri), uri = request_uri:match("^[^?]*"), args = request_uri:match("%?(.*)$") or ""
  }
  local hidden = said:get("hidden")
  local asked = passed_on(headers, function(name) return name == hidden end)
  asked[":method"], asked[":authority"] = said:get("method"), said:get("host")
  asked[":path"] = filled(said:get("path"), known)
  asked["x-original-url"] = scheme .. "://" .. authority .. request_uri
  asked["x-original-method"] = headers:get(":method")
  asked["x-sent-from"] = "nginx-ingress-controller"
  asked["x-real-ip"] = address_of(handle)
  asked["x-auth-request-redirect"] = filled(said:get("redirect"), known)
  local answer = handle:httpCall(said:get("cluster"), asked, nil,
    {timeout_ms = tonumber(said:get("timeout")), send_xff = false, return_duplicate_headers = true})
  said, headers = handle:filterContext(), handle:headers()  -- those from before the call are void
  local status = tonumber(answer[":status"]) or 500
  local cookies = listed(answer["set-cookie"])
  if status >= 200 and status < 300 then
    if said:get("challenge") ~= nil then headers:remove("authorization") end  -- before who is asked says another
    for _, name in ipairs(said:get("headers")) do
      headers:remove(name)
      for _, value in ipairs(listed(answer[name])) do
        headers:add(name, value)
      end
    end
    if #cookies > 0 then
      handle:streamInfo():dynamicMetadata():set(space, "cookies", cookies)
    end
    return nil
  end
  if status == 401 and said:get("sign_in") ~= "" then
    return {[":status"] = "302", ["location"] = filled(said:get("sign_in"), known), ["set-cookie"] = cookies}
  end
  if status == 401 then
    local refused = {[":status"] = "401", ["www-authenticate"] = listed(answer["www-authenticate"])}
    if said:get("cookies") == "always" then refused["set-cookie"] = cookies end
    return refused
  end
  return {[":status"] = status == 403 and "403" or "500"}
end

local function set_cookies(handle)
  local found = handle:streamInfo():dynamicMetadata():get(space)
  if found == nil or found["cookies"] == nil then return end
  local headers, said = handle:headers(), handle:filterContext()
  if said:get("cookies") ~= "always" and not with_cookies[headers:get(":status")] then return end
  for _, value in ipairs(found["cookies"]) do
    headers:add("set-cookie", value)
  end
end
