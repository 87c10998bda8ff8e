/*
 * The report of redoubt policy replay. Private to the verb.
 */
#pragma once

#include "audit/replay.h"
#include "base/buf.h"

void policy_replay_text(struct buf *buf, struct replay *replay);
void policy_replay_json(struct buf *buf, struct replay *replay);
