//! The template for every set of its conditions, and what holds whatever the parameters are.

use std::collections::BTreeSet;

use infra::Rendering;
use serde_json::{Value, json};

use crate::rendering::{EVERYTHING, render};

/// Other parameters that conditions depend on, which exclude some of [`EVERYTHING`].
const ALTERNATIVES: [(&str, &str); 2] = [
    ("KmsKeyArn", "arn:aws:kms:eu-central-1:123456789012:key/1"),
    ("OidcIssuer", "https://id.example"),
];

/// Renderings with any one or two optional parts, and with all but any one or two.
fn renderings() -> impl Iterator<Item = Rendering> {
    let switches: Vec<_> = EVERYTHING.into_iter().chain(ALTERNATIVES).collect();
    let all = (1_u32 << switches.len()) - 1;
    let few = (0..=all).filter(|set| set.count_ones() <= 2);
    let sets = few.flat_map(move |set| [set, all & !set]);
    sets.map(move |set| {
        let chosen = switches
            .iter()
            .enumerate()
            .filter(|(index, _)| set & (1 << index) != 0);
        render(&chosen.map(|(_, parameter)| *parameter).collect::<Vec<_>>())
    })
}

fn resources(rendering: &Rendering) -> impl Iterator<Item = (&String, &Value)> {
    rendering.json()["Resources"]
        .as_object()
        .expect("resources")
        .iter()
}

#[test]
fn whatever_a_resource_depends_on_exists() {
    for rendering in renderings() {
        for (logical_id, resource) in resources(&rendering) {
            let dependencies = match &resource["DependsOn"] {
                Value::Null => Vec::new(),
                Value::String(name) => vec![name.as_str()],
                list => list
                    .as_array()
                    .expect("a list")
                    .iter()
                    .filter_map(Value::as_str)
                    .collect(),
            };
            for name in dependencies {
                assert!(
                    rendering.properties(name).is_some(),
                    "{logical_id} depends on {name}, which does not exist"
                );
            }
        }
    }
}

#[test]
fn the_bucket_is_created_after_the_permission_to_notify() {
    let tag = |parameters: &[(&str, &str)]| {
        let rendering = render(parameters);
        let tag = &rendering.properties("UploadBucket").expect("the bucket")["Tags"][0];
        tag["Value"].as_str().map(str::to_owned)
    };
    let permission = Some("verdictfunctionpermission".to_owned());
    assert_eq!(tag(&[("InspectUploads", "true")]), permission);
    assert_eq!(tag(&[]).as_deref(), Some("none"));
}

#[test]
fn a_creation_that_fails_can_be_rolled_back() {
    let rendering = render(&EVERYTHING);
    for (logical_id, resource) in resources(&rendering) {
        let protection = &resource["Properties"]["DeletionProtection"];
        assert_ne!(protection, "ACTIVE", "{logical_id} cannot be deleted");
        assert_ne!(resource["DeletionPolicy"], "Retain", "{logical_id} stays");
    }
}

#[test]
fn every_path_that_is_described_has_a_route() {
    let description = include_str!("../../../backend/openapi.json");
    let description: Value = serde_json::from_str(description).expect("JSON");
    let mut described = BTreeSet::new();
    for (path, operations) in description["paths"].as_object().expect("paths") {
        let methods = operations.as_object().expect("operations").keys();
        described.extend(methods.map(|method| format!("{} {path}", method.to_uppercase())));
    }
    let rendering = render(&[("UploadLinks", "true"), ("CreateUserPool", "true")]);
    let routes = rendering.resources_of_type("AWS::ApiGatewayV2::Route");
    let keys = routes.into_iter().map(|route| {
        let key = &rendering.properties(route).expect("a route")["RouteKey"];
        key.as_str().expect("a text").to_owned()
    });
    assert_eq!(keys.collect::<BTreeSet<_>>(), described);
}

#[test]
fn every_way_of_creating_or_tagging_an_object_is_judged() {
    let rendering = render(&[("InspectUploads", "true")]);
    let bucket = rendering.properties("UploadBucket").expect("the bucket");
    let configurations = &bucket["NotificationConfiguration"]["LambdaConfigurations"];
    let events = configurations.as_array().expect("a list").iter();
    let events: Vec<_> = events
        .filter_map(|configuration| configuration["Event"].as_str())
        .collect();
    assert_eq!(events, ["s3:ObjectCreated:*", "s3:ObjectTagging:*"]);
}

#[test]
fn no_error_of_the_api_outlives_its_cause() {
    let rendering = render(&[]);
    let distribution = rendering.properties("Distribution").expect("the distribution");
    let errors = &distribution["DistributionConfig"]["CustomErrorResponses"];
    let errors = errors.as_array().expect("a list").iter().map(|error| {
        assert_eq!(error["ErrorCachingMinTTL"], 0, "{error}");
        error["ErrorCode"].as_u64().expect("a status")
    });
    // Those that CloudFront keeps (Amazon CloudFront Developer Guide, "How CloudFront caches HTTP 4xx and 5xx status codes").
    assert_eq!(
        errors.collect::<Vec<_>>(),
        [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]
    );
}

/// The scopes of which every route that asks for a token wants one.
fn scopes(parameters: &[(&str, &str)]) -> BTreeSet<String> {
    let rendering = render(parameters);
    let mut scopes = BTreeSet::new();
    for route in rendering.resources_of_type("AWS::ApiGatewayV2::Route") {
        let route = rendering.properties(route).expect("a route");
        if route["AuthorizationType"] == "JWT" {
            scopes.insert(route["AuthorizationScopes"].to_string());
        }
    }
    scopes
}

#[test]
fn an_identity_token_opens_no_route() {
    let set = |scopes: &str| BTreeSet::from([scopes.to_owned()]);
    assert_eq!(scopes(&EVERYTHING), set(r#"["openid"]"#));
    let own = [("OidcIssuer", "https://id.example"), ("OidcScopes", "openid api")];
    assert_eq!(scopes(&own), set(r#"["openid","api"]"#));
    let named = [own[0], own[1], ("OidcApiScopes", "upload")];
    assert_eq!(scopes(&named), set(r#"["upload"]"#));
    assert!(scopes(&[]).is_empty());
}

#[test]
fn with_a_firewall_the_distribution_and_the_functions_share_a_secret() {
    let (web_acl, arn) = EVERYTHING[EVERYTHING.len() - 1];
    let rendering = render(&[(web_acl, arn), ("InspectUploads", "true")]);
    let distribution = &rendering.properties("Distribution").expect("the distribution")["DistributionConfig"];
    assert_eq!(distribution["WebACLId"], arn);
    let header = &distribution["Origins"][1]["OriginCustomHeaders"][0];
    assert_eq!(header["HeaderName"], "x-slipway-origin");
    for function in ["SigningFunction", "VerdictFunction"] {
        let function = rendering.properties(function).expect("a function");
        let secret = &function["Environment"]["Variables"]["ORIGIN_SECRET"];
        assert_eq!(secret, "{{resolve:secretsmanager:originsecret}}");
        assert_eq!(secret, &header["HeaderValue"]);
    }
    let open = render(&[]);
    let distribution = &open.properties("Distribution").expect("the distribution")["DistributionConfig"];
    assert_eq!(distribution["WebACLId"], Value::Null);
    assert_eq!(distribution["Origins"][1]["OriginCustomHeaders"], Value::Null);
}

/// The routes without an authorizer, by method and path.
fn open_routes(rendering: &Rendering) -> BTreeSet<&str> {
    let routes = rendering.resources_of_type("AWS::ApiGatewayV2::Route");
    let routes = routes.into_iter().filter_map(|route| rendering.properties(route));
    let open = routes.filter(|route| route["AuthorizationType"] == "NONE");
    open.filter_map(|route| route["RouteKey"].as_str()).collect()
}

#[test]
fn with_a_sign_in_only_links_pass_the_authorizer_and_slowly() {
    let sign_in = ("CreateUserPool", "true");
    assert_eq!(open_routes(&render(&[sign_in])), BTreeSet::from(["GET /health"]));
    let links = [
        "GET /link",
        "POST /link/manifests",
        "POST /link/sign",
        "POST /link/uploads",
    ];
    for (parameters, more) in [
        (&[sign_in, ("UploadLinks", "true")][..], &[][..]),
        (&EVERYTHING, &["POST /link/verdicts"]),
    ] {
        let rendering = render(parameters);
        let links = BTreeSet::from_iter(links.iter().chain(more).copied());
        let open = links.iter().copied().chain(["GET /health"]);
        assert_eq!(open_routes(&rendering), open.collect());
        let limits = &rendering.properties("ApiStage").expect("the stage")["RouteSettings"];
        let limits = limits.as_object().expect("limits");
        assert_eq!(limits.keys().map(String::as_str).collect::<BTreeSet<_>>(), links);
        for limit in limits.values() {
            assert_eq!(
                limit,
                &json!({"ThrottlingRateLimit": "20", "ThrottlingBurstLimit": "40"})
            );
        }
    }
}

#[test]
fn links_are_made_only_by_those_who_sign_in() {
    let route = |parameters: &[(&str, &str)]| {
        let rendering = render(parameters);
        let route = rendering.properties("LinksRoute").cloned();
        route.map(|route| route["AuthorizationType"].clone())
    };
    assert_eq!(route(&EVERYTHING), Some(json!("JWT")));
    assert_eq!(route(&[("UploadLinks", "true")]), None);
    assert_eq!(route(&[("CreateUserPool", "true")]), None);
}

#[test]
fn the_page_makes_links_only_where_somebody_may() {
    let makes = |parameters: &[(&str, &str)]| !render(parameters).json()["Outputs"]["LinksRoute"].is_null();
    let (links, sign_in, makers) = (
        ("UploadLinks", "true"),
        ("CreateUserPool", "true"),
        ("LinkMakers", "staff"),
    );
    assert!(makes(&[links, sign_in, makers]));
    assert!(!makes(&[links, sign_in]));
    assert!(!makes(&[links, makers]));
    assert!(!makes(&[sign_in, makers]));
}

#[test]
fn the_functions_share_a_secret_that_another_number_replaces() {
    let with = |generation: &str| {
        render(&[
            ("UploadLinks", "true"),
            ("InspectUploads", "true"),
            ("LinkGeneration", generation),
        ])
    };
    let rendering = with("1");
    for function in ["SigningFunction", "VerdictFunction"] {
        let function = rendering.properties(function).expect("a function");
        let secret = &function["Environment"]["Variables"]["LINK_SECRET"];
        assert_eq!(secret, "{{resolve:secretsmanager:linksecret}}");
    }
    let name = |rendering: &Rendering| rendering.properties("LinkSecret").expect("a secret")["Name"].clone();
    assert_ne!(name(&rendering), name(&with("2")));
    let made = &rendering.properties("LinkSecret").expect("a secret")["GenerateSecretString"];
    assert_eq!(made["PasswordLength"], 44);
    assert_eq!(made["ExcludePunctuation"], true);
    assert!(render(&[]).properties("LinkSecret").is_none());
}

#[test]
fn an_open_page_says_who_may_upload() {
    let who =
        |parameters: &[(&str, &str)]| render(parameters).json()["Outputs"]["WhoMayUpload"]["Value"].clone();
    let links = ("UploadLinks", "true");
    assert_eq!(who(&[]), "everybody who knows the address");
    assert_eq!(who(&[links]), "everybody who knows the address");
    assert_eq!(who(&[links, ("LinksOnly", "true")]), "nobody");
    assert_eq!(who(&EVERYTHING), "who signs in");
}

#[test]
fn executions_are_reserved_for_the_verdict_only_if_asked_for() {
    let reserved = |parameters: &[(&str, &str)]| {
        let rendering = render(parameters);
        let function = rendering.properties("VerdictFunction").expect("the function");
        function["ReservedConcurrentExecutions"].clone()
    };
    assert_eq!(reserved(&[("InspectUploads", "true")]), Value::Null);
    assert_eq!(reserved(&EVERYTHING), "10");
}

#[test]
fn parts_are_kept_for_a_day_where_nobody_can_resume() {
    for (resume, expected) in [("true", json!("30")), ("false", json!(1))] {
        let rendering = render(&[("ResumeUploads", resume), ("AbortIncompleteUploadDays", "30")]);
        let bucket = rendering.properties("UploadBucket").expect("a bucket");
        let rule = &bucket["LifecycleConfiguration"]["Rules"][0];
        assert_eq!(
            rule["AbortIncompleteMultipartUpload"]["DaysAfterInitiation"],
            expected
        );
    }
}

#[test]
fn the_audit_outlives_the_stack() {
    let rendering = render(&EVERYTHING);
    for (logical_id, resource) in resources(&rendering) {
        if ["SigningLogs", "VerdictLogs"].contains(&logical_id.as_str()) {
            assert_eq!(resource["DeletionPolicy"], "RetainExceptOnCreate", "{logical_id}");
            assert_eq!(resource["UpdateReplacePolicy"], "Retain", "{logical_id}");
        }
    }
}
