"""Money in templates: `{{ microusd|dollars }}`, `{{ microusd|exact_dollars }}`."""

from django import template

from providers import money

register = template.Library()
register.filter("dollars", money.dollars)
register.filter("exact_dollars", money.exact_dollars)
