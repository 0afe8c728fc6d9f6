"""The door to spyne: turns what an actor serves into a SOAP service.

spyne lends its service registry, its dispatch and its order of steps, and nothing else. Its own
reading of envelopes, XML and MIME is replaced step by step by `hub.pipeline`, because stock spyne
dispatches by body element (five transactions share one), accepts DTDs, and logs whole messages.

```text
spyne's step                 what happens here
create_in_document           pipeline.open_envelope
decompose_incoming_envelope  pipeline.dispatch        by wsa:Action
deserialize                  pipeline.read_request
the service method           pipeline.handle          the actor's handler
serialize, create_out_string pipeline.write_reply
```
"""

import inspect
import warnings
from collections.abc import Awaitable, Callable, Iterable
from typing import Any, Final, Generic, TypeAlias, TypeVar

from hub import pipeline, spyne_shim
from hub.pipeline import Exchange, Incoming, Reply
from hub.serving import Served
from ihe.errors import SoapFault, Unavailable
from ihe.transactions import Transaction

with warnings.catch_warnings():  # spyne 2.14 imports modules that Python is giving up
    warnings.simplefilter("ignore")
    spyne_shim.install()
    import spyne.const
    from spyne import AnyXml, Application, MethodContext, Service, rpc
    from spyne.protocol.soap import Soap12
    from spyne.server import ServerBase
    from spyne.util import appreg

spyne.const.MIN_GC_INTERVAL = float("inf")  # spyne would collect garbage inside requests

P = TypeVar("P")
_NAMESPACE: Final = "urn:felles:soap"
InThread: TypeAlias = Callable[..., Awaitable[Any]]
"""Does blocking work in a thread: called with a function and its arguments."""


class _IheSoap12(Soap12):  # type: ignore[misc]  # spyne is untyped
    """spyne's protocol steps, answered by the pipeline. The exchange travels as `ctx.udc`."""

    def __init__(self, table: dict[str, Served[Any]]) -> None:
        super().__init__()
        self.table = table

    def create_in_document(self, ctx: Any, charset: str | None = None) -> None:  # noqa: ARG002  # spyne's signature
        ctx.in_document = pipeline.open_envelope(ctx.udc)

    def decompose_incoming_envelope(self, ctx: Any, message: object = None) -> None:  # noqa: ARG002  # spyne's signature
        served = pipeline.dispatch(ctx.udc, self.table)
        ctx.method_request_string = f"{{{_NAMESPACE}}}{served.transaction.wsdl_operation}"

    def deserialize(self, ctx: Any, message: object) -> None:  # noqa: ARG002  # spyne's signature
        ctx.in_object = [pipeline.read_request(ctx.udc)]

    def serialize(self, ctx: Any, message: object) -> None:  # noqa: ARG002  # spyne's signature
        ctx.out_document = pipeline.write_reply(ctx.udc)

    def create_out_string(self, ctx: Any, charset: str | None = None) -> None:  # noqa: ARG002  # spyne's signature
        ctx.out_string = ctx.out_document.envelope


class SoapServer(ServerBase, Generic[P]):  # type: ignore[misc]  # spyne is untyped
    """Answers the transactions that one actor serves.

    Parameters
    ----------
    name
        The actor, for logs.
    serves
        Its transactions with their handlers; each wsa:Action once. Either all handlers are plain
        functions or all are coroutine functions.
    ports
        What its handlers work with.
    """

    transport = "urn:felles:http"

    def __init__(self, name: str, serves: Iterable[Served[P]], ports: P) -> None:
        self.name, self.ports = name, ports
        self.serves = tuple(serves)
        self.table = {served.transaction.action: served for served in self.serves}
        if len(self.table) != len(self.serves):
            raise ValueError(f"{name} serves one wsa:Action twice")
        kinds = {inspect.iscoroutinefunction(served.handle) for served in self.serves}
        if len(kinds) != 1:
            raise ValueError(f"{name} needs handlers of one kind, plain or coroutine functions")
        self.is_async: bool = kinds.pop()
        """Whether `respond_async` answers, or `respond`."""
        service = type(
            name,
            (Service,),
            {s.transaction.wsdl_operation: self._method(s) for s in self.serves},
        )
        application = Application(
            [service],
            tns=_NAMESPACE,
            name=name,
            in_protocol=_IheSoap12(self.table),
            out_protocol=_IheSoap12(self.table),
        )
        appreg.unregister_application(application)  # spyne would keep it for ever, by its name
        super().__init__(application)

    @property
    def transactions(self) -> tuple[Transaction[Any, Any], ...]:
        """What is served here, in the order of `serves`."""
        return tuple(served.transaction for served in self.serves)

    def respond(self, incoming: Incoming) -> Reply:
        """Answer one message, blocking until its work is done; never raises for what is in it."""
        exchange = Exchange(incoming)
        try:
            context = self._begin(exchange)
            exchange.response = context.function(context, *context.in_object)
            reply = self._end(context)
        except SoapFault as fault:
            reply = self._fault(exchange, fault)
        except Exception as failure:  # noqa: BLE001  # the peer gets an answer whatever happened
            reply = self._broken(exchange, failure)
        return reply

    async def respond_async(self, incoming: Incoming, in_thread: InThread) -> Reply:
        """Answer one message in the event loop; never raises for what is in it.

        A large message takes long to parse, so `in_thread` is awaited for that.
        """
        exchange = Exchange(incoming)
        try:
            context = await in_thread(self._begin, exchange)
            exchange.response = await context.function(context, *context.in_object)
            reply = self._end(context)
        except SoapFault as fault:
            reply = self._fault(exchange, fault)
        except Exception as failure:  # noqa: BLE001  # the peer gets an answer whatever happened
            reply = self._broken(exchange, failure)
        return reply

    def decline(self, incoming: Incoming, failure: Unavailable) -> Reply:
        """Answer a message that nothing can be done for, in its transaction's words."""
        exchange = Exchange(incoming)
        try:
            pipeline.open_envelope(exchange)
            pipeline.dispatch(exchange, self.table)
            exchange.response = pipeline.failed(exchange, failure)
            return pipeline.write_reply(exchange)
        except SoapFault as fault:
            return self._fault(exchange, fault)

    def _method(self, served: Served[P]) -> Callable[..., Any]:
        """Return the spyne method of one transaction."""

        def plain(ctx: Any, request: Any) -> Any:
            exchange: Exchange = ctx.udc
            chosen = pipeline.handler(exchange, served)
            return pipeline.handle(exchange, lambda: chosen(request, exchange.call, self.ports))

        def coroutine(ctx: Any, request: Any) -> Any:
            exchange: Exchange = ctx.udc
            return pipeline.handle_async(
                exchange, served.handle(request, exchange.call, self.ports)
            )

        method = coroutine if inspect.iscoroutinefunction(served.handle) else plain
        method.__name__ = served.transaction.wsdl_operation  # spyne tells methods apart by it
        return rpc(  # type: ignore[no-any-return]  # spyne is untyped
            AnyXml,
            _returns=AnyXml,
            _body_style="bare",
            _operation_name=served.transaction.wsdl_operation,
        )(method)

    def _begin(self, exchange: Exchange) -> Any:
        context = MethodContext(self, MethodContext.SERVER)
        context.udc = exchange
        (context,) = self.generate_contexts(context)
        self.get_in_object(context)
        return context

    def _end(self, context: Any) -> Reply:
        self.get_out_string(context)
        reply: Reply = context.out_document
        return reply

    def _fault(self, exchange: Exchange, fault: SoapFault) -> Reply:
        return pipeline.fault_reply(
            fault, trace_id=exchange.incoming.trace_id, relates_to=_message_id(exchange)
        )

    def _broken(self, exchange: Exchange, failure: Exception) -> Reply:
        return pipeline.broken_reply(
            failure, trace_id=exchange.incoming.trace_id, relates_to=_message_id(exchange)
        )


def _message_id(exchange: Exchange) -> str | None:
    return exchange.envelope.addressing.message_id if exchange.envelope else None
