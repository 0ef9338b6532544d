"""Declare a typed interface, implement it anywhere, call it as if it were local.

This package holds what both sides of a call share: declarations, proxies, the service manager, the contracts of
channels and registries, and the wire format. Channels and servers are packages of their own.

The names below are imported from their modules when they are first used (PEP 562), so a module that only declares
interfaces imports neither the client nor the container.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service_core.addresses import ChannelAddress, ChannelInstances, unix_url
    from service_core.call import Call
    from service_core.calling.channel import Channel
    from service_core.calling.channel_factory import ChannelFactory
    from service_core.calling.forms.sync_and_async import awaitable, blocking
    from service_core.calling.injection import inject_service
    from service_core.calling.local import LocalChannel
    from service_core.calling.module import ServiceModule
    from service_core.calling.proxy import DynamicProxy, Invocation, InvocationHandler
    from service_core.calling.service_manager import ServiceManager
    from service_core.context import (
        CallContext,
        Deadline,
        bearer_token,
        call_context,
        current_context,
        current_deadline,
        current_principal,
        deadline,
    )
    from service_core.declaring.catalog import Catalog, default_catalog
    from service_core.declaring.decorators import (
        allow_anonymous,
        channel,
        component,
        health,
        idempotent,
        raises,
        service,
        with_policy,
    )
    from service_core.declaring.descriptors import ComponentDescriptor, MethodDescriptor, ServiceDescriptor
    from service_core.declaring.health import CheckResult, Health, HealthStatus
    from service_core.declaring.implementing import implementation, max_concurrency
    from service_core.declaring.interfaces import AbstractComponent, Component, ComponentStatus, Service
    from service_core.declaring.policy import UNSET, EffectivePolicy, Policy
    from service_core.errors import (
        ArgumentException,
        AuthorizationException,
        ChannelNotInstalledException,
        ComponentUnavailableException,
        ContractMismatchException,
        DeadlineExceeded,
        DeclarationException,
        DependencyException,
        ErrorCode,
        InvalidTokenException,
        LocalServiceException,
        MissingTokenException,
        PortInUseException,
        ProtocolException,
        RemoteServiceException,
        ResultException,
        ServiceCommunicationException,
        ServiceException,
        TokenException,
        TokenExpiredException,
    )
    from service_core.hosting.server import Server
    from service_core.hosting.token_verifier import TokenVerifier
    from service_core.registry.base import ComponentRegistry, LocalComponentRegistry
    from service_core.registry.static import StaticComponentRegistry
    from service_core.resilience.events import CallCounters, CallEvent, CallEventKind, CallObserver, CallObservers
    from service_core.resilience.selectors import (
        Endpoint,
        FirstURLSelector,
        LeastLoadedURLSelector,
        RoundRobinURLSelector,
        URLSelector,
    )
    from service_core.resilience.selectors.by_hash import HashURLSelector, SubsetURLSelector
    from service_core.resilience.selectors.by_metadata import WeightedURLSelector, ZoneURLSelector

__all__ = [
    # declare
    "Service",
    "Component",
    "AbstractComponent",
    "ComponentStatus",
    "service",
    "component",
    "implementation",
    "health",
    "channel",
    "raises",
    "idempotent",
    "allow_anonymous",
    "max_concurrency",
    "with_policy",
    "inject_service",
    "Catalog",
    "default_catalog",
    # call
    "ServiceManager",
    "ServiceModule",
    "DynamicProxy",
    "Call",
    "Invocation",
    "InvocationHandler",
    "blocking",
    "awaitable",
    "CallContext",
    "Deadline",
    "current_context",
    "current_deadline",
    "deadline",
    "bearer_token",
    "call_context",
    "TokenVerifier",
    "current_principal",
    "Policy",
    "EffectivePolicy",
    "UNSET",
    "CallCounters",
    "CallEvent",
    "CallEventKind",
    "CallObserver",
    "CallObservers",
    # find
    "ChannelAddress",
    "ChannelInstances",
    "unix_url",
    "ComponentRegistry",
    "LocalComponentRegistry",
    "StaticComponentRegistry",
    "ServiceDescriptor",
    "ComponentDescriptor",
    "MethodDescriptor",
    # carry
    "Channel",
    "ChannelFactory",
    "LocalChannel",
    "Endpoint",
    "URLSelector",
    "FirstURLSelector",
    "RoundRobinURLSelector",
    "HashURLSelector",
    "SubsetURLSelector",
    "WeightedURLSelector",
    "ZoneURLSelector",
    "LeastLoadedURLSelector",
    # serve
    "Server",
    "CheckResult",
    "Health",
    "HealthStatus",
    # fail
    "ErrorCode",
    "ServiceException",
    "LocalServiceException",
    "DeclarationException",
    "DependencyException",
    "ArgumentException",
    "ChannelNotInstalledException",
    "PortInUseException",
    "ServiceCommunicationException",
    "ComponentUnavailableException",
    "ContractMismatchException",
    "ProtocolException",
    "DeadlineExceeded",
    "RemoteServiceException",
    "ResultException",
    "AuthorizationException",
    "TokenException",
    "InvalidTokenException",
    "MissingTokenException",
    "TokenExpiredException",
]

_NAMES = {
    "call": "Call",
    "calling.channel": "Channel",
    "calling.channel_factory": "ChannelFactory",
    "calling.injection": "inject_service",
    "calling.local": "LocalChannel",
    "calling.module": "ServiceModule",
    "calling.forms.sync_and_async": "awaitable blocking",
    "calling.proxy": "DynamicProxy Invocation InvocationHandler",
    "calling.service_manager": "ServiceManager",
    "context": (
        "CallContext Deadline bearer_token call_context current_context current_deadline current_principal deadline"
    ),
    "addresses": "ChannelAddress ChannelInstances unix_url",
    "declaring.catalog": "Catalog default_catalog",
    "declaring.decorators": "allow_anonymous channel component health idempotent raises service with_policy",
    "declaring.implementing": "implementation max_concurrency",
    "declaring.descriptors": "ComponentDescriptor MethodDescriptor ServiceDescriptor",
    "declaring.health": "CheckResult Health HealthStatus",
    "declaring.interfaces": "AbstractComponent Component ComponentStatus Service",
    "declaring.policy": "UNSET EffectivePolicy Policy",
    "errors": (
        "ArgumentException AuthorizationException ChannelNotInstalledException ComponentUnavailableException "
        "ContractMismatchException DeadlineExceeded DeclarationException DependencyException ErrorCode "
        "InvalidTokenException LocalServiceException MissingTokenException PortInUseException "
        "ProtocolException RemoteServiceException ResultException ServiceCommunicationException ServiceException "
        "TokenException TokenExpiredException"
    ),
    "hosting.server": "Server",
    "hosting.token_verifier": "TokenVerifier",
    "registry.base": "ComponentRegistry LocalComponentRegistry",
    "registry.static": "StaticComponentRegistry",
    "resilience.events": "CallCounters CallEvent CallEventKind CallObserver CallObservers",
    "resilience.selectors": "Endpoint FirstURLSelector LeastLoadedURLSelector RoundRobinURLSelector URLSelector",
    "resilience.selectors.by_hash": "HashURLSelector SubsetURLSelector",
    "resilience.selectors.by_metadata": "WeightedURLSelector ZoneURLSelector",
}
_MODULES = {name: f"{__name__}.{module}" for module, names in _NAMES.items() for name in names.split()}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(_MODULES[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
