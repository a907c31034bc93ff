"""`ansible.module_utils.urls`: `open_url` and `fetch_url` by the standard library."""

from __future__ import annotations

import base64
import ssl
import urllib.error
import urllib.request
from typing import Any, Dict, Mapping, Optional

from provisioner.remote.shim.text import to_bytes

AGENT = "ansible-httpget"


def url_argument_spec() -> "Dict[str, Dict[str, Any]]":
    return {
        "url": {"type": "str"}, "force": {"type": "bool", "default": False},
        "http_agent": {"type": "str", "default": AGENT}, "use_proxy": {"type": "bool", "default": True},
        "validate_certs": {"type": "bool", "default": True}, "url_username": {"type": "str"},
        "url_password": {"type": "str", "no_log": True}, "force_basic_auth": {"type": "bool", "default": False},
        "client_cert": {"type": "path"}, "client_key": {"type": "path"},
    }  # fmt: skip


def open_url(url: str, data: Any = None, headers: "Optional[Mapping[str, str]]" = None, method: Optional[str] = None,
             use_proxy: bool = True, timeout: float = 10, validate_certs: bool = True,
             url_username: Optional[str] = None,
             url_password: Optional[str] = None, http_agent: Optional[str] = None, ca_path: Optional[str] = None,
             client_cert: Optional[str] = None, client_key: Optional[str] = None, **unknown: Any) -> Any:
    """The response. Raises what `urllib` raises; a URL of another kind than http(s) is refused."""
    if not url.lower().startswith(("http://", "https://")):
        raise ValueError("only http and https are fetched, not %r" % url)
    request = urllib.request.Request(url, None if data is None else to_bytes(data), method=method)  # noqa: S310
    request.add_header("User-agent", http_agent or AGENT)
    if url_username:
        token = base64.b64encode(to_bytes("%s:%s" % (url_username, url_password or ""))).decode()
        request.add_header("Authorization", "Basic " + token)
    for name, value in (headers or {}).items():
        request.add_header(name, value)
    context = ssl.create_default_context(cafile=ca_path)
    if not validate_certs:  # the playbook says so
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if client_cert:
        context.load_cert_chain(client_cert, client_key)
    handlers: "list[urllib.request.BaseHandler]" = [urllib.request.HTTPSHandler(context=context)]
    if not use_proxy:
        handlers.append(urllib.request.ProxyHandler({}))
    return urllib.request.build_opener(*handlers).open(request, timeout=timeout)


def fetch_url(module: Any, url: str, data: Any = None, headers: "Optional[Mapping[str, str]]" = None,
              method: Optional[str] = None, use_proxy: Optional[bool] = None, force: bool = False,
              last_mod_time: Any = None, timeout: float = 10, **options: Any) -> "tuple[Any, Dict[str, Any]]":
    """(response or None, what is known of it): status, msg, url and the headers in small letters."""
    given = module.params
    names = ("validate_certs", "url_username", "url_password", "http_agent", "client_cert", "client_key")
    known = {name: given[name] for name in names if given.get(name) is not None}
    info: "Dict[str, Any]" = {"url": url, "status": -1}
    try:
        response = open_url(url, data, headers, method, given.get("use_proxy") if use_proxy is None else use_proxy,
                            timeout, **known)
    except urllib.error.HTTPError as error:
        info.update({name.lower(): value for name, value in error.headers.items()})
        info.update(status=error.code, msg=str(error), body=error.read())
        return None, info
    except (OSError, ValueError) as error:
        info["msg"] = "Request failed: %s" % error
        return None, info
    info.update({name.lower(): value for name, value in response.headers.items()})
    info.update(url=response.geturl(), status=response.status, msg="OK (%s bytes)" % response.headers.get(
        "Content-Length", "unknown"))
    return response, info
