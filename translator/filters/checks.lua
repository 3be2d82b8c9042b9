local function check(handle)
  local said = handle:filterContext()
  if said:get("is") == nil then return end
  if said:get("is") ~= "checked" then return unavailable(handle) end
  local asks, guards, refused = said:get("cluster") ~= nil, said:get("challenge") ~= nil, nil
  if guards then refused = check_password(handle, said) end
  if refused == nil and asks then
    refused = ask(handle, said)
  elseif refused == nil and guards then
    handle:headers():remove("authorization")  -- a password is for us; no service is told, nor who gets a copy
  end
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
