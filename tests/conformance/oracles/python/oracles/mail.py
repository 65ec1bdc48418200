"""Mail providers, as django-anymail judges them: a client of many years, not the providers' own."""

import django
from django.conf import settings
from django.core.exceptions import SuspiciousOperation
from django.test import RequestFactory

settings.configure(ALLOWED_HOSTS=["*"], ANYMAIL={}, SECRET_KEY="none", USE_TZ=True)
django.setup()

from anymail.webhooks import (  # noqa: E402  (Django wants its settings first)
    brevo, mailersend, mailgun, mailjet, mandrill, postal, postmark, sparkpost, unisender_go,
)


def _judge(view_class, **options_of_secret):
    def call(order):
        options = {name: give(order) for name, give in options_of_secret.items()}
        view = view_class(**options)
        headers = dict(order["headers"])
        content_type = headers.pop("Content-Type", "application/json")
        request = RequestFactory(headers=headers).post(
            "/in", data=order["body"], content_type=content_type)
        try:
            view.run_validators(request)
        except SuspiciousOperation:
            return False
        return True
    return call


def _secret(order):
    return order["secret"]


def _basic(order):
    return [order["secret"]]


CALLS = {
    "mailgun": _judge(mailgun.MailgunTrackingWebhookView, webhook_signing_key=_secret),
    "mandrill": _judge(mandrill.MandrillCombinedWebhookView, webhook_key=_secret,
                       webhook_url=lambda order: order["url"]),
    "mailersend": _judge(mailersend.MailerSendTrackingWebhookView, signing_secret=_secret),
    "postal": _judge(postal.PostalTrackingWebhookView, webhook_key=_secret),
    "unisender_go": _judge(unisender_go.UnisenderGoTrackingWebhookView, api_key=_secret),
    "brevo": _judge(brevo.BrevoTrackingWebhookView, webhook_secret=_basic),
    "mailjet": _judge(mailjet.MailjetTrackingWebhookView, webhook_secret=_basic),
    "postmark": _judge(postmark.PostmarkTrackingWebhookView, webhook_secret=_basic),
    "sparkpost": _judge(sparkpost.SparkPostTrackingWebhookView, webhook_secret=_basic),
}
