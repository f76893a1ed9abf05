"""Time stamps on checkpoints (RFC 3161): somebody outside says that a note was there at a time.

A signed note says what a ledger was, and whoever signed it could have done so at any time. A time-stamping authority
gets the hash of the note, nothing else, and signs it together with its own clock's time. The answer is kept beside the
note and can be checked without the authority, by its certificates.
"""

from __future__ import annotations

from datetime import datetime
from types import ModuleType

from ledger.errors import LedgerError, Misconfigured

TYPE = "application/timestamp-query"
PATIENCE = 30  # seconds for an answer
LARGEST = 100_000  # bytes of an answer, with all its certificates


class BadStamp(LedgerError):
    """An answer that is no time stamp of this note by a trusted authority."""


def query(note: str) -> bytes:
    """Return what an authority is asked: the request about the hash of a note, in DER."""
    request: bytes = _library().TimestampRequestBuilder().data(note.encode()).build().as_bytes()
    return request


def ask(url: str, note: str) -> bytes:
    """Return an authority's answer about a note, not checked yet. Raises Misconfigured where none comes."""
    from http.client import HTTPException
    from urllib.request import Request, urlopen

    if not url.startswith(("http://", "https://")):
        raise Misconfigured("the time-stamping authority's address must begin with http:// or https://")
    try:
        request = Request(url, query(note), {"Content-Type": TYPE})
        with urlopen(request, timeout=PATIENCE) as reply:
            answer: bytes = reply.read(LARGEST + 1)
    except (OSError, ValueError, HTTPException) as error:
        raise Misconfigured(f"the time-stamping authority gave no answer: {type(error).__name__}") from error
    if len(answer) > LARGEST:
        raise Misconfigured(f"the time-stamping authority's answer has more than {LARGEST:,} bytes")
    return answer


def stamped_at(note: str, answer: bytes, roots: bytes) -> datetime:
    """Return the time that a trusted authority put on a note. `roots` are certificates in PEM. Raises BadStamp."""
    from cryptography import x509

    library = _library()
    try:
        response = library.decode_timestamp_response(answer)
        builder = library.VerifierBuilder()
        for certificate in x509.load_pem_x509_certificates(roots):
            builder = builder.add_root_certificate(certificate)
        builder.build().verify_message(response, note.encode())
    except (ValueError, library.VerificationError) as error:
        raise BadStamp("this is no time stamp of this checkpoint by an authority that is trusted") from error
    at: datetime = response.tst_info.gen_time
    return at


def _library() -> ModuleType:
    try:
        import rfc3161_client
    except ImportError:
        raise Misconfigured("time stamps need the package rfc3161-client, which is not installed") from None
    return rfc3161_client
