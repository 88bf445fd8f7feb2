//! The partitions of AWS: in which domain the services of a region are.

/// What the names of a partition's regions begin with, and the domain of its services, where that is not
/// [`AMAZONAWS_COM`] (botocore 1.44, `data/partitions.json`). A test compares this with what the installed botocore says of
/// every region.
const PARTITIONS: [(&str, &str); 6] = [
    ("cn-", "amazonaws.com.cn"),
    ("eusc-", "amazonaws.eu"),
    ("us-iso-", "c2s.ic.gov"),
    ("us-isob-", "sc2s.sgov.gov"),
    ("eu-isoe-", "cloud.adc-e.uk"),
    ("us-isof-", "csp.hci.ic.gov"),
];

/// The domain of all other regions, those of AWS GovCloud among them.
const AMAZONAWS_COM: &str = "amazonaws.com";

/// The domain of the services in a region.
pub fn domain_of(region: &str) -> &'static str {
    let partition = PARTITIONS.iter().find(|(prefix, _)| region.starts_with(prefix));
    partition.map_or(AMAZONAWS_COM, |(_, domain)| domain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_is_in_the_domain_of_its_partition() {
        for (region, expected) in [
            ("eu-central-1", "amazonaws.com"),
            ("us-gov-west-1", "amazonaws.com"),
            ("cn-north-1", "amazonaws.com.cn"),
            ("eusc-de-east-1", "amazonaws.eu"),
            ("us-iso-east-1", "c2s.ic.gov"),
            ("us-isob-east-1", "sc2s.sgov.gov"),
            ("eu-isoe-west-1", "cloud.adc-e.uk"),
            ("us-isof-south-1", "csp.hci.ic.gov"),
            ("garage", "amazonaws.com"),
        ] {
            assert_eq!(domain_of(region), expected, "{region}");
        }
    }
}
