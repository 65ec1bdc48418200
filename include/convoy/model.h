// The values that a gateway stores: projects, sources, endpoints, subscriptions, API keys, and
// their traffic of events, deliveries and attempts. Plain values without behaviour; every instant
// has microsecond resolution; every id is an upper-case ULID unless said otherwise.
#pragma once

#include "convoy/access.h"
#include "convoy/model/broker_config.h"
#include "convoy/model/endpoint.h"
#include "convoy/model/endpoint_auth.h"
#include "convoy/model/policy.h"
#include "convoy/model/project.h"
#include "convoy/model/signature.h"
#include "convoy/model/source.h"
#include "convoy/model/subscription.h"
#include "convoy/model/traffic.h"
