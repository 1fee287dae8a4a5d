import pytest

from ingestion.names import snake_case


@pytest.mark.parametrize(
    ("name", "column"),
    [
        ("paymentDueDate", "payment_due_date"),
        ("customerID", "customer_id"),
        ("StreamingTV", "streaming_tv"),
        ("XMLHttpRequest", "xml_http_request"),
        ("Payment Due Date", "payment_due_date"),
        ("street1", "street1"),
        (" Summa (EUR) ", "summa_eur"),
        ("2nd", "_2nd"),
        ("already_snake", "already_snake"),
    ],
)
def test_snake_case(name, column):
    assert snake_case(name) == column


@pytest.mark.parametrize("name", ["", "€", "x" * 64])
def test_names_that_no_warehouse_takes(name):
    with pytest.raises(ValueError, match="gives no column name"):
        snake_case(name)
