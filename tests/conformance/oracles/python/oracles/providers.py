"""Packages that the providers publish themselves."""

import binascii
from base64 import b64decode
from urllib.parse import parse_qsl

import stripe
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from paypalrestsdk import WebhookEvent
from pyairtable.models.webhook import WebhookNotification
from sinch.domains.authentication.sinch_events.v1.authentication_validation import (
    validate_sinch_event_signature_with_nonce,
)
from slack_sdk.signature import SignatureVerifier
from twilio.request_validator import RequestValidator


def _stripe(order):
    stripe.Webhook.construct_event(order["body"], order["lower"]["stripe-signature"], order["secret"])
    return True


def _slack(order):
    return SignatureVerifier(order["secret"]).is_valid_request(order["body"], order["headers"])


def _twilio(order):
    params = dict(parse_qsl(order["body"].decode(), keep_blank_values=True))
    return RequestValidator(order["secret"]).validate(
        order["url"], params, order["lower"]["x-twilio-signature"])


def _airtable(order):
    WebhookNotification.from_request(
        order["body"].decode(), order["lower"]["x-airtable-content-mac"], order["secret"])
    return True


def _sinch(order):
    return validate_sinch_event_signature_with_nonce(
        order["secret"], order["headers"], order["body"].decode())


def _paypal(order):
    """The package builds the signed text; its own RSA call went away with an older pyOpenSSL."""
    headers = order["lower"]
    text = WebhookEvent._get_expected_sig(
        headers["paypal-transmission-id"], headers["paypal-transmission-time"],
        order["config"]["webhook_id"], order["body"].decode())
    key = serialization.load_pem_public_key(order["secret"].encode())
    try:
        key.verify(b64decode(headers["paypal-transmission-sig"]), text.encode(),
                   padding.PKCS1v15(), hashes.SHA256())
    except (InvalidSignature, binascii.Error):
        return False
    return True


CALLS = {"stripe": _stripe, "slack": _slack, "twilio": _twilio, "airtable": _airtable, "sinch": _sinch, "paypal": _paypal}
