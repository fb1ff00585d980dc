"""What the page says when something is wrong."""

import logging

from dash import html, set_props

logger = logging.getLogger(__name__)


def error_message(error: Exception) -> html.Span:
    """The words for an error of the user, or for a failure of ours.

    Args:
        error: A ValueError speaks to the user; of any other one the page
            says only its kind, and the log the rest.
    """
    text = str(error)
    if not isinstance(error, ValueError):
        logger.error('a request failed', exc_info=error)
        text = f'This failed ({type(error).__name__}); the server logged why.'
    return html.Span(text, className='error')


def show_error(error: Exception) -> None:
    """Show an error that no callback has caught."""
    set_props('message', dict(children=error_message(error)))
