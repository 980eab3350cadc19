"""The document that tells a client where to get a token for this server (RFC 9728), made by the SDK."""

from __future__ import annotations

from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
from mcp.server.auth.settings import AuthSettings
from pydantic import ValidationError
from starlette.routing import Route

from mcp_wasm.errors import InvalidSettings
from mcp_wasm.server.access import OAuth


def resource_metadata(oauth: OAuth, title: str) -> tuple[str, str, list[Route]]:
    """The document's address, the host name in it, and the routes that serve it.

    Raises:
        InvalidSettings: if the issuer or the resource is no http(s) address.
    """
    try:
        settings = AuthSettings.model_validate(
            {
                "issuer_url": oauth.issuer,
                "resource_server_url": oauth.resource,
                "required_scopes": list(oauth.scopes) or None,
                "validate_token_resource": False,  # the verifier checks the audience
            }
        )
    except ValidationError as error:
        wrong = error.errors()[0]
        key = {"issuer_url": "issuer", "resource_server_url": "resource"}.get(str(wrong["loc"][0]), "issuer")
        raise InvalidSettings(f"oauth.{key}", "an http:// or https:// address", getattr(oauth, key)) from None
    resource = settings.resource_server_url
    assert resource is not None
    address = build_resource_metadata_url(resource)
    routes = create_protected_resource_routes(
        resource, [settings.issuer_url], settings.required_scopes, resource_name=title
    )
    return str(address), str(resource.host), routes
