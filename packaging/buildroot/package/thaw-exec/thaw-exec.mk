################################################################################
#
# thaw-exec
#
################################################################################

THAW_EXEC_VERSION = 0.1.0
# The clone that this tree lies in.
THAW_EXEC_CLONE = $(realpath $(BR2_EXTERNAL_THAW_PATH)/../..)
THAW_EXEC_SITE = $(THAW_EXEC_CLONE)
THAW_EXEC_SITE_METHOD = local
THAW_EXEC_EXCLUSIONS = build dist node_modules .git
THAW_EXEC_SUBDIR = native
THAW_EXEC_LICENSE = MIT
THAW_EXEC_LICENSE_FILES = LICENSE
THAW_EXEC_DEPENDENCIES = libsodium xxhash
THAW_EXEC_SUPPORTS_IN_SOURCE_BUILD = NO

ifeq ($(BR2_aarch64),y)
THAW_EXEC_CPU = aarch64
else ifeq ($(BR2_arm),y)
THAW_EXEC_CPU = armv7
else
THAW_EXEC_CPU = x86_64
endif

THAW_EXEC_CONF_OPTS = \
	-DTHAW_EXEC_ONLY=ON \
	-DTHAW_CPU=$(THAW_EXEC_CPU)

THAW_EXEC_PROFILES = $(call qstrip,$(BR2_PACKAGE_THAW_EXEC_PROFILES))

# The root is whole then; fakeroot keeps the owners.
ifneq ($(THAW_EXEC_PROFILES),)
define THAW_EXEC_BUILD_PROFILES
	node $(THAW_EXEC_CLONE)/dist/launcher/cli.js build \
		--target $(THAW_EXEC_CPU) --root $(TARGET_DIR) \
		$(call qstrip,$(BR2_PACKAGE_THAW_EXEC_BUILD_OPTIONS)) \
		$(THAW_EXEC_PROFILES)
endef
THAW_EXEC_ROOTFS_PRE_CMD_HOOKS += THAW_EXEC_BUILD_PROFILES
endif

$(eval $(cmake-package))
