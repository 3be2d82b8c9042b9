local function check(handle)
  local said = handle:filterContext()
  if said:get("is") == nil then return end
  if said:get("is") ~= "checked" then return unavailable(handle) end
  local asks, refused = said:get("cluster") ~= nil, nil
  if said:get("challenge") ~= nil then refused = check_password(handle, said) end
  if asks and refused == nil then refused = ask(handle, said) end
  if refused ~= nil then handle:respond(refused, "") end
end

function envoy_on_request(handle)
  local went_well, why = pcall(check, handle)
  if not went_well then
    handle:logWarn("a request could not be checked: " .. tostring(why))
    handle:respond({[":status"] = "500"}, "")
  end
end

function envoy_on_response(handle)
  set_cookies(handle)
end
