"""Questions to SignalHouse: a person is asked about as at any vendor."""

from integrations.vendors.skip_trace import skip_trace_query

__all__ = ["skip_trace_query"]
