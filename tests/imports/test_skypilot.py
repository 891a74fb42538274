"""Catalogues of SkyPilot: rows made up in its format, offers worked out by hand."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from ailis_opt.errors import InputError
from ailis_opt.imports import Choice, Imported, known, read_skypilot

AWS = """\
InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,AvailabilityZone
m5.large,,,2.0,8.0,,0.096,0.04,us-east-1,use1-az1
p5.48xlarge,H100,8.0,192.0,2048.0,"{'Gpus': [{'Name': 'H100', 'Count': 8}]}",88.0,20.0,us-east-1,use1-az1
p5.48xlarge,H100,8.0,192.0,2048.0,"{'Gpus': [{'Name': 'H100', 'Count': 8}]}",80.0,24.0,us-east-1,use1-az2
p5.48xlarge,H100,8.0,192.0,2048.0,"{'Gpus': [{'Name': 'H100', 'Count': 8}]}",88.0,40.0,us-east-1,use1-az4
p5.48xlarge,H100,8.0,192.0,2048.0,"{'Gpus': [{'Name': 'H100', 'Count': 8}]}",96.0,,eu-central-1,euc1-az1
p5.4xlarge,H100,1.0,16.0,256.0,,12.0,3.0,us-east-1,use1-az1
trn1.32xlarge,Trainium,16.0,128.0,512.0,,21.5,7.0,us-east-1,use1-az1
p5.48xlarge,H100,8.0,192.0,2048.0,,100.0,,cn-north-1,cnn1-az1
g6f.xlarge,L4,0.125,4.0,16.0,,0.3,,us-east-1,use1-az1
p4d.24xlarge,A100,8.0,96.0,1152.0,,0,,us-west-2,usw2-az1
p4de.24xlarge,A100-80GB,8.0,96.0,1152.0,,,,us-west-2,usw2-az1
p4de.24xlarge,A100-80GB,8.0,96.0,1152.0,,dear,,us-west-2,usw2-az1
"""
GCP = """\
InstanceType,vCPUs,MemoryGiB,AcceleratorName,AcceleratorCount,GpuInfo,Region,AvailabilityZone,Price,SpotPrice
a3-highgpu-8g,208.0,1872.0,,,,us-central1,us-central1-a,9.6,1.6
a3-highgpu-8g,208.0,1872.0,,,,us-west1,us-west1-a,9.6,1.6
n1-standard-8,8.0,30.0,,,,us-central1,us-central1-a,0.38,0.08
,,,H100,8.0,"{'Gpus': [{'MemoryInfo': {'SizeInMiB': 81920}}]}",us-central1,us-central1-a,78.4,14.4
,,,H100,4.0,"{'Gpus': [{'MemoryInfo': {'SizeInMiB': 81920}}]}",us-central1,us-central1-a,39.2,7.2
,,,T4,1.0,,us-central1,us-central1-a,0.35,0.11
,,,tpu-v5p-8,1,tpu-v5p-8,us-central1,us-central1-a,16.8,6.7
"""


def catalogue(path: Path, **clouds: str) -> Path:
    for cloud, text in clouds.items():
        (path / cloud).mkdir(parents=True)
        (path / cloud / "vms.csv").write_text(text)
    return path


def prices(imported: Imported) -> dict[str, float]:
    offers = imported.tables["offers"]
    return dict(zip(offers["offer"], offers["price_per_gpu_hour"], strict=True))


def left(imported: Imported) -> dict[str, int]:
    return imported.account.left()["reason"].value_counts().to_dict()


def test_whole_machines_by_region(tmp_path: Path) -> None:
    found = read_skypilot(catalogue(tmp_path, aws=AWS), known(), Choice())
    # on demand: the least of 88, 80, 88 over 8 GPUs; spot: the median of 20, 24, 40 over 8
    assert prices(found) == pytest.approx(
        {
            "aws/us-east-1/p5.48xlarge/on-demand": 10.0,
            "aws/us-east-1/p5.48xlarge/spot": 3.0,
            "aws/eu-central-1/p5.48xlarge/on-demand": 12.0,
            "aws/us-east-1/p5.4xlarge/on-demand": 12.0,
            "aws/us-east-1/p5.4xlarge/spot": 3.0,
        }
    )
    offers = found.tables["offers"].set_index("offer")
    row = offers.loc["aws/us-east-1/p5.48xlarge/spot"]
    assert (row["provider"], row["region"], row["sku"], row["contract"], row["lot_gpus"]) == ("aws", "virginia", "h100", "interruptible", 8)
    assert row["operator_country"] == "US"
    assert row["note"] == "median of 3 zones (2.5 to 5); interruption rate not in the list"
    assert row["source"].startswith("aws/vms.csv row 3; aws/vms.csv row 4; aws/vms.csv row 5, 20")
    assert offers.loc["aws/us-east-1/p5.48xlarge/on-demand", "note"] == "least of 3 zones (10 to 11)"
    assert offers.loc["aws/us-east-1/p5.4xlarge/on-demand", "sku"] == "h100-x1"
    assert found.account.folded == 2


def test_regions_and_skus_are_joined(tmp_path: Path) -> None:
    found = read_skypilot(catalogue(tmp_path, aws=AWS), known(), Choice())
    regions, skus = found.tables["regions"].set_index("region"), found.tables["skus"].set_index("sku")
    assert regions.loc["frankfurt", ["country", "jurisdictions"]].tolist() == ["DE", ("DE", "EU")]
    assert regions.loc["virginia", "note"] == "aws us-east-1"
    assert skus.loc["h100", "gpus_per_node"] == 8
    assert skus.loc["h100-x1", "gpus_per_node"] == 1
    assert pd.isna(skus.loc["h100-x1", "scaleup_gpus"])  # the machine: eight of them are no scale-up domain


def test_what_is_left_out_and_why(tmp_path: Path) -> None:
    found = read_skypilot(catalogue(tmp_path, aws=AWS), known(), Choice())
    assert left(found) == {
        "a machine without a GPU": 2,
        "the accelerator is not known": 2,
        "the region is not known": 1,
        "a part of a GPU": 1,
        "a price of 0 stands for a price that is not known": 1,
        "the row has no price": 1,
        "the price is not a number, or below 0": 1,
    }
    summary = found.account.summary()
    assert summary["prices"] == {"found": 18, "used": 9, "left_out": 9}
    by_reason = {row["reason"]: row for row in summary["left_out"]}
    assert by_reason["the accelerator is not known"]["examples"][0] == "trn1.32xlarge in use1-az1, on-demand (aws/vms.csv row 8)"
    assert "--data" in by_reason["the accelerator is not known"]["mend"]


def test_host_and_gpus_priced_apart_are_added(tmp_path: Path) -> None:
    found = read_skypilot(catalogue(tmp_path, gcp=GCP), known(), Choice())
    # (9.6 + 78.4) / 8 on demand, (1.6 + 14.4) / 8 on spot
    assert prices(found) == pytest.approx({"gcp/us-central1/a3-highgpu-8g/on-demand": 11.0, "gcp/us-central1/a3-highgpu-8g/spot": 2.0})
    assert found.tables["offers"]["note"][0] == "host 9.6 + GPUs 78.4 an hour"
    assert found.tables["offers"]["source"][0].startswith("gcp/vms.csv row 2 + 5, ")
    assert left(found) == {
        "a machine without a GPU": 2,
        "a host whose GPU is not priced in that zone": 2,
        "a GPU whose host is not priced in that zone": 2,
        "a GPU that is attached to a host of any size: what the host costs is not in the list": 2,
        "the accelerator is not known": 2,
    }


def test_one_name_for_a_region_of_two_clouds(tmp_path: Path) -> None:
    azure = (
        "InstanceType,AcceleratorName,AcceleratorCount,vCPUs,MemoryGiB,GpuInfo,Price,SpotPrice,Region,Generation\n"
        "Standard_NC40ads_H100_v5,H100,1,40,320,H100,7.0,,eastus,V2\n"
    )
    found = read_skypilot(catalogue(tmp_path, aws=AWS, azure=azure), known(), Choice())
    regions = found.tables["regions"].set_index("region")
    assert regions.loc["virginia", "note"] == "aws us-east-1, azure eastus"
    offers = found.tables["offers"].set_index("offer")
    assert (
        offers.loc["azure/eastus/Standard_NC40ads_H100_v5/on-demand", "sku"] == "h100-nvl-x1"
    )  # the machine is known better than its listing


def test_choice_of_skus_and_regions(tmp_path: Path) -> None:
    folder = catalogue(tmp_path, aws=AWS)
    assert set(prices(read_skypilot(folder, known(), Choice(("h100",), ("DE",))))) == {"aws/eu-central-1/p5.48xlarge/on-demand"}
    found = read_skypilot(folder, known(), Choice(("P5.4x*",)))
    assert set(prices(found)) == {"aws/us-east-1/p5.4xlarge/on-demand", "aws/us-east-1/p5.4xlarge/spot"}
    assert left(found)["not asked for by --skus or --regions"] == 7
    with pytest.raises(InputError, match=r"(?s)'virgina'.*Did you mean 'virginia'"):
        read_skypilot(folder, known(), Choice(regions=("virgina",)))


def test_what_a_user_adds_to_what_is_known(tmp_path: Path) -> None:
    folder, more = catalogue(tmp_path / "v7", aws=AWS), tmp_path / "more"
    more.mkdir()
    (more / "accelerators.csv").write_text("sku,accelerator,node_gpus,memory_gb,names\ntrainium,AWS Trainium,16,32,Trainium\n")
    (more / "regions.csv").write_text("provider,native,region,country,operator_country\naws,cn-north-1,beijing,CN,CN\n")
    found = read_skypilot(folder, known(more), Choice())
    assert prices(found)["aws/us-east-1/trn1.32xlarge/on-demand"] == pytest.approx(21.5 / 16)
    assert found.tables["offers"].set_index("offer").loc["aws/cn-north-1/p5.48xlarge/on-demand", "operator_country"] == "CN"
    (more / "machines.csv").write_text("provider,machine,sku,gpus\naws,x1,h1000,8\n")
    with pytest.raises(InputError, match="Did you mean 'h100'"):
        known(more)
    (more / "machines.csv").write_text("provider,machine,sku,gpus\naws,x1,h100,eight\n")
    with pytest.raises(InputError, match="not a number of GPUs"):
        known(more)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("<html><body>Not found</body></html>", "a web page"),
        ("", "is empty"),
        ("InstanceType,AcceleratorName,AcceleratorCount,Price,SpotPrices,Region\n", r"'SpotPrice' is missing. Is it 'SpotPrices'"),
        ("a,b\n1,2\n", "'Region' is missing"),
        (AWS.replace("m5.large,,,2.0", "m5.large,,2.0"), "row 2: 9 cells where the header names 10"),
        ('InstanceType,"AcceleratorName\n', "not valid CSV"),
    ],
)
def test_files_that_are_none(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_skypilot(catalogue(tmp_path, aws=text), known(), Choice())


def test_folders_that_are_none(tmp_path: Path) -> None:
    folder = catalogue(tmp_path / "catalogs" / "v7", aws=AWS)
    assert len(prices(read_skypilot(folder / "aws", known(), Choice()))) == 5  # the folder of one cloud
    with pytest.raises(InputError, match=r"several versions.*catalogs/v7"):
        read_skypilot(tmp_path / "catalogs", known(), Choice())
    with pytest.raises(InputError, match="is a file"):
        read_skypilot(folder / "aws" / "vms.csv", known(), Choice())
    with pytest.raises(InputError, match="does not exist"):
        read_skypilot(tmp_path / "none", known(), Choice())
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match=r"holds no <cloud>/vms\.csv"):
        read_skypilot(tmp_path / "empty", known(), Choice())
