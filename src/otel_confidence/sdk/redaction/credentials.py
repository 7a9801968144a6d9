"""
This module lists the credentials that are recognized by their own form, vendor by vendor.
"""

from collections.abc import Callable
from typing import Final

from otel_confidence.sdk.redaction.pattern import Gate, Pattern

_LEFT: Final = r"(?<![A-Za-z0-9])"
_LEFT_WORD: Final = r"(?<![\w-])"


def _token(
    kind: str,
    about: str,
    regex: str,
    *hints: str,
    left: str = _LEFT,
    check: Callable[[str], int] | None = None,
) -> Pattern:
    return Pattern(kind, about, left + regex, Gate.TOKEN, hints, check)


BLOCKS: Final = (
    Pattern(
        "private_key",
        "PEM, OpenSSH and PGP private keys, also when cut",
        r"-----BEGIN [A-Z0-9 ]{0,16}PRIVATE KEY(?: BLOCK)?-----"
        r"(?s:.*?)(?:-----END [A-Z0-9 ]{0,16}PRIVATE KEY(?: BLOCK)?-----|\Z)",
        Gate.BLOCK,
        ("PRIVATE KEY",),
    ),
)
"""Secrets of several lines."""

CLOUD: Final = (
    _token("aws_access_key_id", "Amazon Web Services access key ids",
           r"A(?:KIA|SIA|BIA|CCA|GPA|IDA|ROA|IPA|NPA|NVA)[A-Z0-9]{16}(?![A-Za-z0-9])",
           "AKIA", "ASIA", "ABIA", "ACCA", "AGPA", "AIDA", "AROA", "AIPA", "ANPA", "ANVA"),
    _token("google_api_key", "Google API keys", r"AIza[\w-]{35}", "AIza"),
    _token("google_oauth_token", "Google OAuth access tokens", r"ya29\.[\w-]{20,}", "ya29."),
    _token("google_oauth_secret", "Google OAuth client secrets", r"GOCSPX-[\w-]{28}", "GOCSPX-"),
    _token("azure_client_secret", "Microsoft Entra client secrets",
           r"[A-Za-z0-9_~.-]{3}[0-9]Q~[A-Za-z0-9_~.-]{31,34}", "Q~", left=r"(?<![\w~.-])"),
    _token("azure_storage_key", "Azure storage account keys",
           r"AccountKey=(?P<value>[A-Za-z0-9+/]{86}==)", "AccountKey="),
    _token("azure_sas_signature", "Azure shared access signatures",
           r"sig=(?P<value>[A-Za-z0-9%+/]{40,}={0,2})", "sig="),
    _token("digitalocean_token", "DigitalOcean tokens", r"do[opr]_v1_[a-f0-9]{64}", "_v1_"),
    _token("alibaba_access_key_id", "Alibaba Cloud access key ids",
           r"LTAI[A-Za-z0-9]{12,26}(?![A-Za-z0-9])", "LTAI"),
    _token("databricks_token", "Databricks tokens", r"dapi[a-f0-9]{32}(?:-[0-9])?", "dapi"),
    _token("vault_token", "HashiCorp Vault tokens", r"hv[sbr]\.[\w-]{24,}", "hvs.", "hvb.", "hvr."),
    _token("terraform_token", "Terraform Cloud tokens",
           r"[A-Za-z0-9]{14}\.atlasv1\.[\w=-]{60,}", ".atlasv1."),
)  # fmt: skip
"""Clouds and infrastructure."""

MODELS: Final = (
    _token("anthropic_key", "Anthropic API keys", r"sk-ant-[\w-]{20,}", "sk-ant-"),
    _token("langfuse_key", "Langfuse keys",
           r"[sp]k-lf-[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", "k-lf-"),
    _token("openrouter_key", "OpenRouter keys", r"sk-or-v1-[a-f0-9]{64}", "sk-or-"),
    _token("openai_key", "OpenAI API keys, and those of services that copy their form",
           r"sk-(?:(?:proj|svcacct|admin|None)-[\w-]{20,}|[A-Za-z0-9]{20,}(?![A-Za-z0-9-]))",
           "sk-"),
    _token("huggingface_token", "Hugging Face tokens", r"(?:hf|api_org)_[A-Za-z0-9]{30,}",
           "hf_", "api_org_"),
    _token("replicate_token", "Replicate tokens", r"r8_[A-Za-z0-9]{37}", "r8_"),
    _token("groq_key", "Groq keys", r"gsk_[A-Za-z0-9]{48,}", "gsk_"),
    _token("xai_key", "xAI keys", r"xai-[A-Za-z0-9]{70,}", "xai-"),
    _token("perplexity_key", "Perplexity keys", r"pplx-[A-Za-z0-9]{40,}", "pplx-"),
    _token("langsmith_key", "LangSmith keys", r"lsv2_(?:pt|sk)_[a-f0-9]{32}_[a-f0-9]{10}", "lsv2_"),
    _token("pinecone_key", "Pinecone keys", r"pcsk_\w{50,}", "pcsk_"),
)  # fmt: skip
"""Services of models and their tools."""

DEVELOPMENT: Final = (
    _token("github_token", "GitHub tokens",
           r"(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_\w{22,})",
           "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
    _token("gitlab_token", "GitLab tokens",
           r"gl(?:pat|oas|ptt|rt|dt|cbt|ft|soat|agent|imt|ffct)-[\w-]{20,}", "gl"),
    _token("npm_token", "npm tokens", r"npm_[A-Za-z0-9]{36}", "npm_"),
    _token("pypi_token", "PyPI tokens", r"pypi-[\w-]{50,}", "pypi-"),
    _token("rubygems_key", "RubyGems keys", r"rubygems_[a-f0-9]{48}", "rubygems_"),
    _token("docker_token", "Docker access tokens", r"dckr_[po]at_[\w-]{27,}", "dckr_"),
    _token("atlassian_token", "Atlassian tokens", r"ATATT3[\w=-]{20,}", "ATATT3"),
    _token("linear_key", "Linear keys", r"lin_(?:api|oauth)_[A-Za-z0-9]{40,}", "lin_"),
    _token("notion_token", "Notion tokens", r"(?:ntn_[A-Za-z0-9]{40,}|secret_[A-Za-z0-9]{43})",
           "ntn_", "secret_"),
    _token("postman_key", "Postman keys", r"PMAK-[a-f0-9]{24}-[a-f0-9]{34}", "PMAK-"),
    _token("figma_token", "Figma tokens", r"fig[dorh]{1,2}_[\w-]{40,}", "fig"),
    _token("grafana_token", "Grafana tokens",
           r"(?:glsa_[A-Za-z0-9]{32}_[A-Fa-f0-9]{8}|glc_[A-Za-z0-9+/]{32,}={0,2})",
           "glsa_", "glc_"),
    _token("new_relic_key", "New Relic keys", r"NRA[KL]-[A-Z0-9]{27}", "NRA"),
    _token("sentry_token", "Sentry tokens", r"sntry[su]_[A-Za-z0-9+/=_-]{40,}", "sntry"),
    _token("age_key", "age encryption keys", r"AGE-SECRET-KEY-1[0-9A-Z]{58}", "AGE-SECRET-KEY-"),
)  # fmt: skip
"""Development and operation."""

BUSINESS: Final = (
    _token("slack_token", "Slack tokens", r"(?:xox[abceoprs]|xapp)-[A-Za-z0-9-]{10,}",
           "xox", "xapp-"),
    _token("slack_webhook", "Slack webhook addresses",
           r"hooks\.slack\.com/(?:services|workflows|triggers)/[\w/+-]{20,}", "hooks.slack.com"),
    _token("discord_webhook", "Discord webhook addresses",
           r"discord(?:app)?\.com/api/webhooks/[0-9]{5,25}/[\w-]{40,}", "/api/webhooks/"),
    _token("discord_token", "Discord bot tokens",
           r"[MNO][\w-]{23,27}\.[\w-]{6}\.[\w-]{27,}", left=r"(?<![\w.-])"),
    _token("telegram_token", "Telegram bot tokens", r"[0-9]{8,10}:AA[\w-]{32,33}(?![\w-])", ":AA"),
    _token("stripe_key", "Stripe keys and webhook secrets",
           r"(?:[srp]k_(?:live|test)_[A-Za-z0-9]{16,}|whsec_[A-Za-z0-9+/]{24,}={0,2})",
           "k_live_", "k_test_", "whsec_"),
    _token("square_token", "Square tokens", r"sq0(?:atp|csp|idp)-[\w-]{22,}", "sq0"),
    _token("shopify_token", "Shopify tokens", r"shp(?:at|ca|pa|ss)_[a-fA-F0-9]{32}", "shp"),
    _token("twilio_key", "Twilio account and key ids", r"(?:SK|AC)[a-f0-9]{32}(?![A-Za-z0-9])",
           "SK", "AC"),
    _token("sendgrid_key", "SendGrid keys", r"SG\.[\w-]{22}\.[\w-]{43}", "SG."),
    _token("mailgun_key", "Mailgun keys", r"key-[a-f0-9]{32}(?![A-Za-z0-9])", "key-"),
    _token("mailchimp_key", "Mailchimp keys", r"[a-f0-9]{32}-us[0-9]{1,2}(?![0-9])", "-us"),
    _token("facebook_token", "Facebook tokens", r"EAA[A-Za-z0-9]{60,}", "EAA"),
)  # fmt: skip
"""Messages, payment and trade."""

GENERAL: Final = (
    _token("jwt", "JSON Web Tokens", r"eyJ[\w-]{10,}\.eyJ[\w-]{10,}(?:\.[\w-]*)?", "eyJ",
           left=_LEFT_WORD),
)  # fmt: skip
"""Tokens of every vendor."""

CREDENTIALS: Final = (*BLOCKS, *CLOUD, *MODELS, *DEVELOPMENT, *BUSINESS, *GENERAL)
"""Everything that is recognized by its own form; the more particular before the more general."""
